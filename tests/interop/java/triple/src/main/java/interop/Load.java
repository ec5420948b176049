package interop;

import interop.greeter.v1.HelloReply;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/** Calls from several threads for some time, and counts who answered and what failed. */
final class Load {
    private static final int THREADS = 4;

    private final Map<String, Integer> calls = new TreeMap<>();
    private final Map<String, Integer> failures = new TreeMap<>();
    private long firstFailure;
    private long lastFailure;

    private Load() {}

    /**
     * Calls may only fail for {@code patience} ms, counted from the first that does. Each of {@code servers} must answer
     * at least once; the last second counts who answered then.
     */
    static Map<String, Object> run(Supplier<HelloReply> call, int seconds, int patience, List<String> servers)
            throws InterruptedException {
        Load load = new Load();
        Load end = new Load();
        long begun = System.nanoTime();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            Thread thread = new Thread(() -> {
                for (long second = 0; second < seconds; second = (System.nanoTime() - begun) / 1_000_000_000) {
                    load.once(call);
                    if (second == seconds - 1) {
                        end.once(call);
                    }
                }
            });
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        Map<String, Object> seen = new LinkedHashMap<>();
        seen.put("calls", load.calls);
        seen.put("atTheEnd", end.calls);
        seen.put("failures", load.failures);
        long failing = (load.lastFailure - load.firstFailure) / 1_000_000;
        seen.put("failingMs", failing);
        boolean late = !load.failures.isEmpty() && (patience == 0 || failing > patience);
        if (late || !end.failures.isEmpty() || !load.calls.keySet().containsAll(servers)) {
            throw new AssertionError("wanted " + servers + ": " + seen + ", at the end " + end.failures);
        }
        return seen;
    }

    private void once(Supplier<HelloReply> call) {
        try {
            String server = call.get().getServer();
            synchronized (this) {
                calls.merge(server, 1, Integer::sum);
            }
        } catch (RuntimeException failure) {
            long now = System.nanoTime();
            synchronized (this) {
                firstFailure = failures.isEmpty() ? now : firstFailure;
                lastFailure = now;
                failures.merge(String.valueOf(failure.getMessage()), 1, Integer::sum);
            }
        }
    }
}
