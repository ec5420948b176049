package interop;

import interop.greeter.v1.HelloRequest;
import java.util.function.Supplier;
import org.apache.dubbo.config.ReferenceConfig;

/** Finds a Greeter. */
final class GreeterFinder implements Finder {
    private ReferenceConfig<?> reference;

    @Override
    public Supplier<String> refer(Options options) {
        Api api = options.get("service", "plain").equals("plain")
                ? Api.of(stub(options, interop.greeter.v1.DubboGreeterGrpc.IGreeter.class))
                : Api.of(stub(options, com.example.interop.split.DubboGreeterGrpc.IGreeter.class));
        return () -> api.sayHello().apply(HelloRequest.getDefaultInstance()).getServer();
    }

    private <T> T stub(Options options, Class<T> type) {
        ReferenceConfig<T> stub = Consumer.reference(options, type);
        stub.setApplication(Provider.application("java27-consumer"));
        stub.setRegistry(Provider.registry(options));
        reference = stub;
        return stub.get();
    }

    @Override
    public void end() {
        reference.destroy();
    }
}
