package dev.rollout.check;

import java.io.IOException;
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
            socket.connect(address, (int) timeout.toMillis());
            return result(CheckResult.Verdict.PASSED, "accepted", start);
        } catch (SocketTimeoutException e) {
            return result(CheckResult.Verdict.UNREACHABLE, "timed out after " + timeout.toMillis() + " ms", start);
        } catch (IOException e) {
            return result(CheckResult.Verdict.UNREACHABLE, HttpCheck.words(e), start);
        }
    }

    private static CheckResult result(CheckResult.Verdict verdict, String detail, long start) {
        return new CheckResult(verdict, detail, Duration.ofNanos(System.nanoTime() - start));
    }
}
