package jovian.tests;

import com.alibaba.nacos.api.naming.NamingFactory;
import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.listener.NamingEvent;
import com.alibaba.nacos.api.naming.pojo.Instance;
import java.util.List;
import java.util.Properties;
import java.util.TreeSet;

/**
 * {@code SERVER register SERVICE IP PORT NAME=VALUE..} or {@code SERVER subscribe SERVICE}: registers an instance, or prints
 * a line whenever the instances of a service change, until standard input ends.
 */
public final class Client {
    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        properties.setProperty("serverAddr", args[0]);
        NamingService naming = NamingFactory.createNamingService(properties);
        String service = args[2];
        if (args[1].equals("register")) {
            Instance instance = new Instance();
            instance.setIp(args[3]);
            instance.setPort(Integer.parseInt(args[4]));
            for (String pair : List.of(args).subList(5, args.length)) {
                instance.addMetadata(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
            }
            naming.registerInstance(service, instance);
            System.out.println("registered");
        } else {
            naming.subscribe(service, event -> System.out.println(seen(((NamingEvent) event).getInstances())));
            System.out.println(seen(naming.getAllInstances(service)));
        }
        while (System.in.read() >= 0) {
            // Until it ends.
        }
        naming.shutDown();
        System.exit(0);
    }

    /** {@code 10.0.0.7:9000 weight=100.0 enabled=true protocol=tri}, one after the other. */
    private static String seen(List<Instance> instances) {
        TreeSet<String> all = new TreeSet<>();
        for (Instance instance : instances) {
            all.add(instance.toInetAddr() + " weight=" + instance.getWeight() + " enabled=" + instance.isEnabled()
                + " protocol=" + instance.getMetadata().get("protocol") + " kind=" + instance.getMetadata().get("kind"));
        }
        return "sees " + String.join(", ", all);
    }
}
