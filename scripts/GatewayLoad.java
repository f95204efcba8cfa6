import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What the gateway does all day, for the record of its AOT cache: GATEWAY_PORT BACKEND_PORT SECONDS CONTROL_SOCKET
 * ROUTES_FILE. Kept connections and new ones, small and large answers, with a length and in chunks, uploads; and switches
 * meanwhile, or the code that the requests' way shares with them would be compiled for requests alone, and once more at the
 * first switches.
 */
public class GatewayLoad {
    private static final byte[] LARGE = "x".repeat(65_536).getBytes(StandardCharsets.US_ASCII);
    private static final int SWITCH_MILLIS = 20;
    private static final String SMALL = "HTTP/1.1 200 OK\r\nServer: load\r\nContent-Type: text/plain\r\nContent-Length: 12\r\nConnection: keep-alive\r\n\r\nhello world\n";

    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[0]);
        long end = System.nanoTime() + Long.parseLong(args[2]) * 1_000_000_000L;
        ServerSocket server = new ServerSocket(Integer.parseInt(args[1]), 512, InetAddress.getLoopbackAddress());
        Thread.ofPlatform().daemon().start(() -> accept(server));
        UnixDomainSocketAddress control = UnixDomainSocketAddress.of(args[3]);
        String file = Files.readString(Path.of(args[4]));
        String routes = file.substring(file.indexOf('['), file.lastIndexOf(']') + 1);
        Thread.ofPlatform().daemon().start(() -> switches(control, routes));
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            int kind = i;
            clients.add(Thread.ofVirtual().start(() -> client(port, kind, end)));
        }
        for (Thread client : clients) {
            client.join();
        }
    }

    /** To another instance each time, which is asked at the same address. */
    private static void switches(UnixDomainSocketAddress control, String routes) {
        try {
            for (int i = 0; ; i++) {
                byte[] body = routes.replace("\"backend\"", "\"backend" + i + "\"").getBytes();
                ask(control, "PUT /v1/routes/p/s HTTP/1.1\r\nContent-Length: " + body.length, body);
                ask(control, "GET /v1/routes HTTP/1.1", new byte[0]);
                Thread.sleep(SWITCH_MILLIS);
            }
        } catch (IOException | InterruptedException e) {
            System.err.println("the record has fewer switches in it: " + e);
        }
    }

    private static void ask(UnixDomainSocketAddress control, String head, byte[] body) throws IOException {
        try (SocketChannel channel = SocketChannel.open(control)) {
            channel.write(ByteBuffer.wrap((head + "\r\nHost: gateway\r\nConnection: close\r\n\r\n").getBytes()));
            channel.write(ByteBuffer.wrap(body));
            ByteBuffer answer = ByteBuffer.allocate(4096);
            while (channel.read(answer.clear()) >= 0) {
                if (answer.position() > 12 && answer.get(9) != '2' && answer.get(0) == 'H') {
                    throw new IOException(new String(answer.array(), 0, answer.position(), StandardCharsets.US_ASCII));
                }
            }
        }
    }

    private static void accept(ServerSocket server) {
        while (true) {
            try {
                Socket socket = server.accept();
                Thread.ofVirtual().start(() -> serve(socket));
            } catch (IOException e) {
                return;
            }
        }
    }

    private static void serve(Socket socket) {
        try (socket) {
            InputStream in = socket.getInputStream();
            OutputStream out = socket.getOutputStream();
            for (String head = head(in); head != null; head = head(in)) {
                in.skipNBytes(length(head));
                if (head.startsWith("GET /large")) {
                    out.write(("HTTP/1.1 200 OK\r\nContent-Length: " + LARGE.length + "\r\n\r\n").getBytes());
                    out.write(LARGE);
                } else if (head.startsWith("GET /chunks")) {
                    out.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n".getBytes());
                } else {
                    out.write(SMALL.getBytes());
                }
            }
        } catch (IOException e) {
            // the gateway has let go of it
        }
    }

    private static void client(int port, int kind, long end) {
        boolean keep = kind != 0;
        String what = switch (kind) {
            case 1 -> "GET /large HTTP/1.1\r\n";
            case 2 -> "GET /chunks HTTP/1.1\r\n";
            case 3 -> "POST / HTTP/1.1\r\nContent-Length: 5\r\n";
            default -> "GET / HTTP/1.1\r\nUser-Agent: load\r\nAccept: */*\r\n";
        };
        byte[] request = (what + (keep ? "" : "Connection: close\r\n") + "Host: 127.0.0.1\r\n\r\n"
                        + (kind == 3 ? "hello" : ""))
                .getBytes();
        while (System.nanoTime() < end) {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                socket.setTcpNoDelay(true);
                do {
                    socket.getOutputStream().write(request);
                    InputStream in = socket.getInputStream();
                    String head = head(in);
                    if (head == null) {
                        break;
                    } else if (head.contains("chunked")) {
                        in.skipNBytes(15); // 5 CRLF hello CRLF 0 CRLF CRLF
                    } else {
                        in.skipNBytes(length(head));
                    }
                } while (keep && System.nanoTime() < end);
            } catch (IOException e) {
                // once more
            }
        }
    }

    /** Up to the empty line; null at the end. */
    private static String head(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        for (int c = in.read(); c >= 0; c = in.read()) {
            head.append((char) c);
            if (c == '\n' && head.length() > 3 && head.charAt(head.length() - 3) == '\n') {
                return head.toString();
            }
        }
        return null;
    }

    private static long length(String head) {
        int at = head.toLowerCase().indexOf("content-length: ");
        return at < 0 ? 0 : Long.parseLong(head.substring(at + 16, head.indexOf('\r', at)));
    }
}
