package dev.rollout.agent.compose;

import java.io.IOException;
import java.io.StringReader;
import java.math.BigInteger;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/**
 * YAML text to {@link Node}s, by the rules of go-yaml, which Compose uses: {@code 22:22} and {@code on} are strings,
 * {@code 0777} is octal, a key that stands twice is an error.
 *
 * <p>Hostile text is refused early: size, depth and the number of nodes after the expansion of aliases are bounded.
 */
final class YamlReader {
    private static final int MAX_BYTES = 4 << 20;
    private static final int MAX_NODES = 200_000;
    private static final int MAX_DEPTH = 100;
    private static final Tag RESET = new Tag("!reset");
    private static final Tag OVERRIDE = new Tag("!override");

    private static final Pattern DECIMAL = Pattern.compile("[-+]?[0-9][0-9_]*");
    private static final Pattern OCTAL = Pattern.compile("[-+]?0o?[0-7_]+");
    private static final Pattern HEX = Pattern.compile("[-+]?0x[0-9a-fA-F_]+");
    private static final Pattern BINARY = Pattern.compile("[-+]?0b[01_]+");
    private static final Pattern FLOAT = Pattern.compile("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?");

    private static final Pattern DATE = Pattern.compile("\\d{4}-\\d{2}-\\d{2}");

    private final String file;
    private final Map<org.yaml.snakeyaml.nodes.Node, Boolean> open = new IdentityHashMap<>();
    private int nodes;

    private YamlReader(String file) {
        this.file = file;
    }

    /** The documents of a file; an empty file has none. */
    static List<Node> read(Path path, String shownAs) {
        try {
            if (Files.isDirectory(path)) {
                throw new ComposeException(null, shownAs + " is a folder, not a Compose file");
            }
            if (Files.size(path) > MAX_BYTES) {
                throw new ComposeException(
                        null, shownAs + " has " + Files.size(path) + " bytes; a Compose file has at most " + MAX_BYTES);
            }
            return parse(Files.readString(path), shownAs);
        } catch (NoSuchFileException e) {
            throw new ComposeException(null, shownAs + " does not exist");
        } catch (MalformedInputException e) {
            throw new ComposeException(null, shownAs + " is not UTF-8 text");
        } catch (IOException e) {
            throw new ComposeException(null, shownAs + " cannot be read: " + e.getMessage());
        }
    }

    static List<Node> parse(String text, String shownAs) {
        LoaderOptions options = new LoaderOptions();
        options.setCodePointLimit(MAX_BYTES);
        options.setNestingDepthLimit(MAX_DEPTH);
        options.setMaxAliasesForCollections(Integer.MAX_VALUE); // the node count below bounds what they cost
        YamlReader reader = new YamlReader(shownAs);
        List<Node> documents = new ArrayList<>();
        try {
            for (org.yaml.snakeyaml.nodes.Node document : new Yaml(options).composeAll(new StringReader(text))) {
                if (document != null) {
                    documents.add(reader.convert(document));
                }
            }
        } catch (MarkedYAMLException e) {
            org.yaml.snakeyaml.error.Mark at = e.getProblemMark();
            throw new ComposeException(
                    at == null ? null : new Mark(shownAs, at.getLine() + 1), "not YAML: " + e.getProblem());
        } catch (YAMLException e) {
            throw new ComposeException(new Mark(shownAs, 1), "not YAML: " + firstLine(e));
        }
        return documents;
    }

    private static String firstLine(Exception e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    }

    private Node convert(org.yaml.snakeyaml.nodes.Node node) {
        Mark mark = new Mark(file, node.getStartMark().getLine() + 1);
        if (++nodes > MAX_NODES) {
            throw new ComposeException(
                    mark, "more than " + MAX_NODES + " values once the aliases are expanded: refused as hostile");
        }
        if (open.put(node, true) != null) {
            throw new ComposeException(mark, "an alias contains itself");
        }
        try {
            return switch (node) {
                case ScalarNode scalar -> new Node.Scalar(resolve(scalar, mark), mark, directive(node));
                case SequenceNode sequence -> {
                    Node.Sequence result = new Node.Sequence(new ArrayList<>(), mark, directive(node));
                    sequence.getValue().forEach(item -> result.items().add(convert(item)));
                    yield result;
                }
                case MappingNode mapping -> convert(mapping, mark);
                default -> throw new ComposeException(mark, "not a value: " + node.getNodeId());
            };
        } finally {
            open.remove(node);
        }
    }

    private Node convert(MappingNode mapping, Mark mark) {
        Node.Mapping result = new Node.Mapping(new LinkedHashMap<>(), new LinkedHashMap<>(), mark, directive(mapping));
        List<Node> merged = new ArrayList<>();
        for (NodeTuple tuple : mapping.getValue()) {
            if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
                throw new ComposeException(mark, "a key must be a string");
            }
            Mark at = new Mark(file, key.getStartMark().getLine() + 1);
            if (key.getValue().equals("<<") && key.isPlain()) {
                merged.add(convert(tuple.getValueNode()));
                continue;
            }
            if (result.keys().putIfAbsent(key.getValue(), at) != null) {
                throw new ComposeException(
                        at,
                        "the key '" + key.getValue() + "' stands here a second time (first in line "
                                + result.keyMark(key.getValue()).line() + ")");
            }
            result.entries().put(key.getValue(), convert(tuple.getValueNode()));
        }
        for (Node source : merged) {
            mergeKey(result, source);
        }
        return result;
    }

    /** {@code <<}: the mapping's own keys win, and the first of several sources. */
    private static void mergeKey(Node.Mapping into, Node source) {
        switch (source) {
            case Node.Mapping from ->
                from.entries().forEach((key, value) -> {
                    if (!into.entries().containsKey(key)) {
                        into.keys().put(key, from.keyMark(key));
                        into.entries().put(key, value);
                    }
                });
            case Node.Sequence list -> list.items().forEach(item -> mergeKey(into, item));
            case Node.Scalar scalar ->
                throw new ComposeException(
                        scalar.mark(), "'<<' merges a mapping or a list of mappings, not " + scalar.kind());
        }
    }

    private static Node.Directive directive(org.yaml.snakeyaml.nodes.Node node) {
        return node.getTag().equals(RESET)
                ? Node.Directive.RESET
                : node.getTag().equals(OVERRIDE) ? Node.Directive.OVERRIDE : Node.Directive.NONE;
    }

    private static @Nullable Object resolve(ScalarNode scalar, Mark mark) {
        String text = scalar.getValue();
        if (!scalar.isPlain() || scalar.getTag().equals(Tag.STR) && scalar.getStartMark() == null) {
            return text;
        }
        if (scalar.getTag().getValue().startsWith("!") && directive(scalar) == Node.Directive.NONE) {
            return text; // a tag of somebody else's
        }
        return resolvePlain(text);
    }

    /** go-yaml's reading of a plain scalar. */
    static @Nullable Object resolvePlain(String text) {
        switch (text) {
            case "", "~", "null", "Null", "NULL" -> {
                return null;
            }
            case "true", "True", "TRUE" -> {
                return true;
            }
            case "false", "False", "FALSE" -> {
                return false;
            }
            case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF" -> {
                return Double.POSITIVE_INFINITY;
            }
            case "-.inf", "-.Inf", "-.INF" -> {
                return Double.NEGATIVE_INFINITY;
            }
            case ".nan", ".NaN", ".NAN" -> {
                return Double.NaN;
            }
            default -> {
                if (DATE.matcher(text).matches()) {
                    return text + " 00:00:00 +0000 UTC"; // a time in go-yaml, printed as Go prints one
                }
                char first = text.charAt(0);
                return first == '.' || first == '-' || first == '+' || (first >= '0' && first <= '9')
                        ? number(text)
                        : text;
            }
        }
    }

    private static Object number(String text) {
        String plain = text.replace("_", "");
        String digits = plain.startsWith("+") || plain.startsWith("-") ? plain.substring(1) : plain;
        String sign = plain.startsWith("-") ? "-" : "";
        try {
            if (HEX.matcher(text).matches()) {
                return Long.parseLong(sign + digits.substring(2), 16);
            }
            if (BINARY.matcher(text).matches()) {
                return Long.parseLong(sign + digits.substring(2), 2);
            }
            if (digits.length() > 1 && OCTAL.matcher(text).matches()) {
                return Long.parseLong(sign + (digits.startsWith("0o") ? digits.substring(2) : digits.substring(1)), 8);
            }
            if (DECIMAL.matcher(text).matches() && (digits.length() == 1 || !digits.startsWith("0"))) {
                return plain.length() > 18 && new BigInteger(digits).bitLength() == 64
                        ? digits // a uint64 in Go: kept to the digit
                        : (Object) Long.parseLong(plain);
            }
            if (FLOAT.matcher(plain).matches()) {
                return Double.parseDouble(plain);
            }
        } catch (NumberFormatException e) {
            return FLOAT.matcher(plain).matches() ? (Object) Double.parseDouble(plain) : text;
        }
        return text;
    }
}
