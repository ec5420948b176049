package interop;

import interop.greeter.v1.HelloRequest;
import java.util.function.Supplier;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.apache.dubbo.rpc.model.FrameworkModel;

/** Finds a Greeter, in a Dubbo of its own. */
final class GreeterFinder implements Finder {
    /** What all share ends with the last one, and does not begin again. */
    private static final FrameworkModel LAST = FrameworkModel.defaultModel();

    private static int count;

    private final FrameworkModel framework = new FrameworkModel();

    @Override
    public Supplier<String> refer(Options options) {
        // Dubbo keeps some of what is found by the name of the application.
        ApplicationConfig application = Provider.application(options, "java-consumer-" + ++count);
        application.setEnableFileCache(false);
        RegistryConfig registry = Provider.registry(options);
        registry.setGroup(options.get("root"));
        DubboBootstrap bootstrap = DubboBootstrap.getInstance(framework.newApplication());
        Api api = Consumer.refer(bootstrap.application(application).registry(registry), options);
        return () -> api.sayHello().apply(HelloRequest.getDefaultInstance()).getServer();
    }

    @Override
    public void end() {
        framework.destroy();
    }
}
