package dev.rollout.check;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;

/** Asks once whether something accepts TCP connections at an address. */
public record TcpCheck(InetSocketAddress address, Duration timeout) {

    /** Connects and closes. Never throws: what went wrong is the detail. */
    public CheckResult run() {
        long start = System.nanoTime();
        try (Socket socket = new Socket()) {
            connect(socket, address, timeout);
            return result(CheckResult.Verdict.PASSED, "accepted", start);
        } catch (IOException e) {
            return result(CheckResult.Verdict.UNREACHABLE, HttpCheck.words(e), start);
        }
    }

    /** @throws ConnectException where nobody says yes or no in time, too */
    static void connect(Socket socket, InetSocketAddress address, Duration timeout) throws IOException {
        try {
            socket.connect(address, (int) timeout.toMillis());
        } catch (SocketTimeoutException e) {
            throw new ConnectException(unheard(timeout));
        }
    }

    static String unheard(Duration timeout) {
        return "no connection within " + timeout.toMillis() + " ms";
    }

    private static CheckResult result(CheckResult.Verdict verdict, String detail, long start) {
        return new CheckResult(verdict, detail, Duration.ofNanos(System.nanoTime() - start));
    }
}
