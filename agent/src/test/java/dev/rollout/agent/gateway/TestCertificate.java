package dev.rollout.agent.gateway;

import dev.rollout.agent.model.PortPolicy;
import java.io.InputStream;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** A certificate of its own for a host, as two files in PEM; and a client that trusts it. */
final class TestCertificate {
    private static final char[] PASSWORD = "changeit".toCharArray();
    private final Path folder;
    private final String host;

    TestCertificate(Path folder, String host) throws Exception {
        this.folder = folder;
        this.host = host;
        renew();
    }

    PortPolicy.Certificate files() {
        return new PortPolicy.Certificate(
                folder.resolve(host + ".crt").toString(),
                folder.resolve(host + ".key").toString());
    }

    void renew() throws Exception {
        Path store = folder.resolve(host + ".p12");
        Files.deleteIfExists(store);
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "a",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=" + host,
                        "-ext",
                        "san=dns:" + host,
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        store.toString(),
                        "-storepass",
                        new String(PASSWORD))
                .inheritIO()
                .start();
        if (keytool.waitFor() != 0) {
            throw new IllegalStateException("keytool failed");
        }
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, PASSWORD);
        }
        pem("PRIVATE KEY", keys.getKey("a", PASSWORD).getEncoded(), files().key());
        pem("CERTIFICATE", keys.getCertificate("a").getEncoded(), files().cert());
    }

    private static void pem(String what, byte[] bytes, String file) throws Exception {
        Files.writeString(
                Path.of(file),
                "-----BEGIN " + what + "-----\n" + Base64.getMimeEncoder().encodeToString(bytes) + "\n-----END " + what
                        + "-----\n");
    }

    static SSLContext trusting() throws Exception {
        TrustManager any = new X509TrustManager() {
            @Override
            public void checkClientTrusted(X509Certificate[] chain, String type) {}

            @Override
            public void checkServerTrusted(X509Certificate[] chain, String type) {}

            @Override
            public X509Certificate[] getAcceptedIssuers() {
                return new X509Certificate[0];
            }
        };
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {any}, null);
        return context;
    }

    private static SSLSocket connect(int port, String name) throws Exception {
        SSLSocket socket =
                (SSLSocket) trusting().getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setServerNames(List.of(new SNIHostName(name)));
        socket.setSSLParameters(parameters);
        socket.setSoTimeout(10_000);
        socket.startHandshake();
        return socket;
    }

    private static X509Certificate shown(SSLSocket socket) throws Exception {
        return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    }

    String serial(int port, String name) throws Exception {
        try (SSLSocket socket = connect(port, name)) {
            return shown(socket).getSerialNumber().toString();
        }
    }

    /** Subject, status line and body. */
    String ask(int port, String name) throws Exception {
        try (SSLSocket socket = connect(port, name)) {
            Backend.write(socket.getOutputStream(), "GET / HTTP/1.1\r\nHost: " + name + "\r\n\r\n");
            String head = Backend.head(socket.getInputStream());
            return shown(socket).getSubjectX500Principal() + "|"
                    + head.lines().findFirst().orElse("closed") + "|"
                    + new String(Backend.length(head, socket.getInputStream()));
        }
    }
}
