package dev.rollout.examples;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Locale;

/** A WebSocket app: answers each message with its version and the message. Any other request finds it ready. */
public final class Echo {
    private static final int PORT = 8080;
    /** RFC 6455, 1.3. */
    private static final String GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    private static final int TEXT = 1;
    private static final int CLOSE = 8;
    private static final int PING = 9;
    private static final int PONG = 10;
    private static final int FINAL = 0x80;
    private static final int SHORT = 125;

    private Echo() {}

    public static void main(String[] args) throws IOException {
        String version = System.getenv().getOrDefault("VERSION", "?");
        try (ServerSocket server = new ServerSocket(PORT, 128)) {
            System.out.println("echo " + version + " listens on " + PORT);
            while (true) {
                Socket socket = server.accept();
                Thread.ofVirtual().start(() -> serve(socket, version));
            }
        }
    }

    private static void serve(Socket socket, String version) {
        try (socket) {
            DataInputStream in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
            OutputStream out = socket.getOutputStream();
            String key = key(in);
            if (key.isEmpty()) {
                write(out, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
                return;
            }
            write(
                    out,
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                            + "Sec-WebSocket-Accept: " + accept(key) + "\r\n\r\n");
            while (answer(in, out, version)) {
                // the next
            }
        } catch (IOException e) {
            // the client is gone
        }
    }

    private static void write(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }

    private static String accept(String key) {
        try {
            return Base64.getEncoder()
                    .encodeToString(MessageDigest.getInstance("SHA-1")
                            .digest((key + GUID).getBytes(StandardCharsets.US_ASCII)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The key in the head of a request for a WebSocket; empty for any other. */
    private static String key(DataInputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            head.append((char) in.readUnsignedByte());
        }
        return head.toString()
                .lines()
                .filter(line -> line.toLowerCase(Locale.ROOT).startsWith("sec-websocket-key:"))
                .map(line -> line.substring(line.indexOf(':') + 1).strip())
                .findFirst()
                .orElse("");
    }

    /** One frame of a client, as short as they are here: RFC 6455, 5.2. */
    private static boolean answer(DataInputStream in, OutputStream out, String version) throws IOException {
        int kind = in.readUnsignedByte() & 0xf;
        int length = in.readUnsignedByte() & 0x7f;
        if (length > SHORT) {
            throw new IOException("a long frame");
        }
        byte[] mask = in.readNBytes(4);
        byte[] data = in.readNBytes(length);
        for (int i = 0; i < data.length; i++) {
            data[i] ^= mask[i % mask.length];
        }
        if (kind == TEXT) {
            data = ("version " + version + " " + new String(data, StandardCharsets.UTF_8))
                    .getBytes(StandardCharsets.UTF_8);
        }
        byte[] frame = new byte[data.length + 2];
        frame[0] = (byte) (FINAL | (kind == PING ? PONG : kind));
        frame[1] = (byte) data.length;
        System.arraycopy(data, 0, frame, 2, data.length);
        out.write(frame);
        out.flush();
        return kind != CLOSE;
    }
}
