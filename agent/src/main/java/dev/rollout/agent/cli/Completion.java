package dev.rollout.agent.cli;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

final class Completion extends Verb {
    @Override
    Syntax syntax() {
        return Syntax.of("print a completion script: source <(rollout completion bash)")
                .words("bash|zsh", 1, 1);
    }

    @Override
    int run(Line line) {
        switch (line.theWord()) {
            case "bash" -> System.out.print(bash());
            case "zsh" -> System.out.print("autoload -U +X bashcompinit && bashcompinit\n" + bash());
            default -> throw new CliException(Exit.USAGE, "'" + line.theWord() + "' is not supported; bash or zsh");
        }
        return Exit.DONE;
    }

    /** Verbs first, then a verb's options, then the services of the project in this folder. */
    private static String bash() {
        Map<String, Syntax> all = Cli.all();
        String verbs = all.keySet().stream()
                .map(name -> name.split(" ", 2)[0])
                .distinct()
                .collect(Collectors.joining(" "));
        StringBuilder options = new StringBuilder();
        for (Map.Entry<String, Syntax> verb : all.entrySet()) {
            List<String> typed = verb.getValue().typed();
            options.append("    \"")
                    .append(verb.getKey())
                    .append("\") words=\"")
                    .append(String.join(" ", typed))
                    .append("\" ;;\n");
        }
        return """
                _rollout() {
                  local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} words
                  if [[ $COMP_CWORD -eq 1 ]]; then
                    words="%s"
                  elif [[ $verb == agent && $COMP_CWORD -eq 2 ]]; then
                    words="run start stop status upgrade"
                  elif [[ $word == -* ]]; then
                    [[ $verb == agent ]] && verb="agent ${COMP_WORDS[2]}"
                    case $verb in
                %s    esac
                  else
                    words=$(rollout config --services 2>/dev/null)
                  fi
                  COMPREPLY=($(compgen -W "$words" -- "$word"))
                }
                complete -o default -F _rollout rollout
                """.formatted(verbs, options);
    }
}
