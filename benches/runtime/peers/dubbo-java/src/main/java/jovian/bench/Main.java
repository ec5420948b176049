package jovian.bench;

import jovian.bench.v1.BenchService;
import jovian.bench.v1.DubboBenchServiceTriple;
import jovian.bench.v1.GetRequest;
import jovian.bench.v1.GetResponse;
import jovian.bench.v1.ListRequest;
import jovian.bench.v1.ListResponse;
import org.apache.dubbo.common.stream.StreamObserver;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;

/** The service of the benchmark on Dubbo by Triple, without a registry: {@code java -jar dubbo-java.jar PORT}. */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws InterruptedException {
        ProtocolConfig protocol = new ProtocolConfig("tri", Integer.parseInt(args[0]));
        protocol.setHost("127.0.0.1");
        ApplicationConfig application = new ApplicationConfig("bench");
        application.setQosEnable(false);
        ServiceConfig<BenchService> service = new ServiceConfig<>();
        service.setInterface(BenchService.class);
        service.setRef(new Service());
        DubboBootstrap.getInstance()
                .application(application)
                .registry(new RegistryConfig(RegistryConfig.NO_AVAILABLE))
                .protocol(protocol)
                .service(service)
                .start();
        Thread.currentThread().join();
    }

    private static final class Service extends DubboBenchServiceTriple.BenchServiceImplBase {
        @Override
        public GetResponse get(GetRequest request) {
            return GetResponse.getDefaultInstance();
        }

        @Override
        public void list(ListRequest request, StreamObserver<ListResponse> replies) {
            for (int number = 0; number < request.getCount(); number++) {
                replies.onNext(ListResponse.newBuilder().setNumber(number).build());
            }
            if (!request.getHold()) {
                replies.onCompleted();
            }
        }
    }
}
