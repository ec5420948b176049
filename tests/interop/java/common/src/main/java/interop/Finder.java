package interop;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Scanner;
import java.util.TreeMap;
import java.util.function.Supplier;

/** A consumer that calls until it is known who answers. */
public interface Finder {
    int CALLS = 40;

    /** Looks for the service; gives a call, which says who answered it. */
    Supplier<String> refer(Options options);

    /** Leaves what was looked for. */
    void end();

    /** A consumer after another, for each line of standard input, which is its options. */
    static boolean run(Supplier<Finder> finders) {
        Scanner lines = new Scanner(System.in);
        while (lines.hasNextLine()) {
            Finder finder = finders.get();
            Report.write(find(finder, new Options(lines.nextLine().split(" "), 0)));
            finder.end();
        }
        return true;
    }

    private static Map<String, Object> find(Finder finder, Options options) {
        Map<String, Integer> called = new TreeMap<>();
        Map<String, Integer> failures = new TreeMap<>();
        Map<String, Object> line = new LinkedHashMap<>();
        try {
            Supplier<String> call = finder.refer(options);
            for (int i = 0; i < CALLS; i++) {
                try {
                    called.merge(call.get(), 1, Integer::sum);
                } catch (RuntimeException failure) {
                    failures.merge(String.valueOf(failure.getMessage()), 1, Integer::sum);
                }
            }
        } catch (RuntimeException failure) {
            line.put("stopped", String.valueOf(failure));
        }
        line.put("called", called);
        line.put("failures", failures);
        return line;
    }
}
