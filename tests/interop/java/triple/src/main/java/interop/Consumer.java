package interop;

import static java.util.Map.of;

import com.google.protobuf.ByteString;
import interop.greeter.v1.FailRequest;
import interop.greeter.v1.HelloReply;
import interop.greeter.v1.HelloRequest;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.dubbo.common.stream.StreamObserver;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.rpc.RpcException;
import org.apache.dubbo.rpc.TriRpcStatus;

/** Finds a Greeter and runs the checks named by {@code --checks}. */
final class Consumer {
    private static final String ALL = "unary,attachments,server-stream,client-stream,bidi,"
            + "fail,fail-text,fail-percent,fail-late,statuses,deadline,large-request,large-reply";
    private static final int LARGE = 5 * 1024 * 1024;

    private final Options options;
    private final Report report = new Report(Errors::describe);
    private Api api;

    private Consumer(Options options) {
        this.options = options;
    }

    static boolean run(Options options) {
        Consumer consumer = new Consumer(options);
        consumer.report.check("refer", () -> {
            consumer.api = consumer.refer();
            return of();
        });
        if (consumer.api != null) {
            Arrays.stream(options.get("checks", ALL).split(",")).forEach(consumer::check);
        }
        return consumer.report.passed();
    }

    private Api refer() {
        String app = options.get("app", "java-consumer");
        DubboBootstrap bootstrap =
                DubboBootstrap.getInstance().application(Provider.application(options, app));
        if (options.get("url") == null) {
            bootstrap.registry(Provider.registry(options));
        }
        return refer(bootstrap, options);
    }

    static Api refer(DubboBootstrap bootstrap, Options options) {
        if (options.get("migration") != null) {
            System.setProperty("dubbo.application.service-discovery.migration", options.get("migration"));
        }
        if (options.get("service", "plain").equals("plain")) {
            ReferenceConfig<interop.greeter.v1.Greeter> reference =
                    reference(options, interop.greeter.v1.Greeter.class);
            bootstrap.reference(reference).start();
            return Api.of(reference.get());
        }
        ReferenceConfig<com.example.interop.split.Greeter> reference =
                reference(options, com.example.interop.split.Greeter.class);
        bootstrap.reference(reference).start();
        return Api.of(reference.get());
    }

    private static <T> ReferenceConfig<T> reference(Options options, Class<T> type) {
        ReferenceConfig<T> reference = new ReferenceConfig<>();
        reference.setInterface(type);
        reference.setUrl(options.get("url"));
        reference.setProtocol(options.get("protocol"));
        reference.setProvidedBy(options.get("provided-by"));
        reference.setGroup(options.get("group"));
        reference.setVersion(options.get("version"));
        reference.setTimeout(options.number("timeout", 3000));
        reference.setRetries(options.number("retries", 0));
        reference.setCheck(options.get("check", "true").equals("true"));
        return reference;
    }

    private void check(String name) {
        report.check(name, () -> switch (name) {
            case "unary" -> unary();
            case "attachments" -> attachments();
            case "server-stream" -> serverStream();
            case "client-stream" -> clientStream();
            case "bidi" -> bidi();
            case "fail" -> fail("out of stock");
            case "fail-text" -> fail("größe 货");
            case "fail-percent" -> fail("100% sold, 1+1 left");
            case "fail-late" -> failLate();
            case "statuses" -> statuses();
            case "deadline" -> deadline();
            case "large-request" -> largeRequest();
            case "large-reply" -> largeReply();
            case "spread" -> spread();
            case "load" -> Load.run(
                    () -> api.sayHello().apply(hello("load")),
                    options.number("seconds", 5),
                    options.number("patience", 0),
                    servers());
            default -> throw new IllegalArgumentException("no such check");
        });
    }

    private Map<String, Object> unary() {
        HelloReply reply = api.sayHello().apply(hello("unary"));
        expect("Hello, unary", reply.getText());
        return of("server", reply.getServer(), "headers", new TreeMap<>(reply.getHeadersMap()));
    }

    /** The server must see text attachments; what it makes of upper case and of other letters is only shown. */
    private Map<String, Object> attachments() {
        RpcContext.getClientAttachment().setAttachment("mark", "one two");
        RpcContext.getClientAttachment().setAttachment("Upper-Mark", "three");
        RpcContext.getClientAttachment().setAttachment("text", "größe");
        Map<String, String> headers = api.sayHello().apply(hello("attachments")).getHeadersMap();
        expect("one two", headers.get("mark"));
        return of("headers", new TreeMap<>(headers));
    }

    private Map<String, Object> serverStream() throws Throwable {
        Collected<HelloReply> replies = new Collected<>();
        api.listHellos().accept(hello("stream").toBuilder().setCount(3).build(), replies);
        expect(List.of("Hello, stream #1", "Hello, stream #2", "Hello, stream #3"), texts(replies.await()));
        return of("replies", 3);
    }

    private Map<String, Object> clientStream() throws Throwable {
        Collected<HelloReply> replies = new Collected<>();
        StreamObserver<HelloRequest> requests = api.greetAll().apply(replies);
        List.of("a", "b", "c").forEach(name -> requests.onNext(hello(name)));
        requests.onCompleted();
        expect(List.of("Hello, a, b, c"), texts(replies.await()));
        return of("requests", 3);
    }

    private Map<String, Object> bidi() throws Throwable {
        Collected<HelloReply> replies = new Collected<>();
        StreamObserver<HelloRequest> requests = api.chat().apply(replies);
        for (String name : List.of("x", "y")) {
            int before = replies.items().size();
            requests.onNext(hello(name));
            // The answer must come while the request stream is still open.
            for (int i = 0; i < 300 && replies.items().size() == before; i++) {
                Thread.sleep(10);
            }
        }
        expect(List.of("Hello, x", "Hello, y"), texts(replies.items()));
        requests.onCompleted();
        replies.await();
        return of("turns", 2);
    }

    private Map<String, Object> fail(String message) {
        try {
            api.fail().apply(failure(message));
        } catch (Exception failure) {
            Map<String, Object> seen = Errors.describe(failure);
            seen.put("attachments", RpcContext.getClientResponseContext().getObjectAttachments());
            expectStatus("FAILED_PRECONDITION", failure);
            expectContains(failure.getMessage(), message);
            return seen;
        }
        throw new AssertionError("the call succeeded");
    }

    private Map<String, Object> failLate() throws Throwable {
        Collected<HelloReply> replies = new Collected<>();
        api.failLate().accept(failure("too late"), replies);
        try {
            replies.await();
        } catch (Exception failure) {
            expect(List.of("before"), texts(replies.items()));
            expectStatus("FAILED_PRECONDITION", failure);
            return Errors.describe(failure);
        }
        throw new AssertionError("the stream ended well");
    }

    /** Every gRPC status must arrive as itself; the map shows the code of the RpcException that Java makes of it. */
    private Map<String, Object> statuses() {
        Map<String, Object> rpcCodes = new LinkedHashMap<>();
        for (int code = 1; code <= 16; code++) {
            String status = TriRpcStatus.fromCode(code).code.name();
            try {
                api.fail().apply(FailRequest.newBuilder().setCode(code).setMessage(status).build());
                throw new AssertionError("the call succeeded for " + status);
            } catch (RpcException failure) {
                expectStatus(status, failure);
                rpcCodes.put(status, failure.getCode());
            }
        }
        return rpcCodes;
    }

    private Map<String, Object> deadline() {
        int limit = options.number("timeout", 3000);
        long start = System.nanoTime();
        try {
            api.sayHello().apply(hello("late").toBuilder().setDelayMs(limit + 2000).build());
        } catch (Exception failure) {
            long waited = (System.nanoTime() - start) / 1_000_000;
            if (waited > limit + 1000) {
                throw new AssertionError("timeout of " + limit + " ms came after " + waited + " ms");
            }
            Map<String, Object> seen = Errors.describe(failure);
            expectStatus("DEADLINE_EXCEEDED", failure);
            return seen;
        }
        throw new AssertionError("the call succeeded");
    }

    private Map<String, Object> largeRequest() {
        HelloReply reply = api.sayHello()
                .apply(hello("large").toBuilder()
                        .setPayload(ByteString.copyFrom(new byte[LARGE]))
                        .build());
        expect(LARGE, reply.getReceivedBytes());
        return of("bytes", LARGE);
    }

    private Map<String, Object> largeReply() {
        HelloReply reply = api.sayHello()
                .apply(hello("large").toBuilder().setReplyBytes(LARGE).build());
        expect(LARGE, reply.getPayload().size());
        return of("bytes", LARGE);
    }

    /** Every application named by {@code --servers} must answer some of 60 calls. */
    private Map<String, Object> spread() {
        Map<String, Object> calls = new TreeMap<>();
        for (int i = 0; i < 60; i++) {
            calls.merge(api.sayHello().apply(hello("spread")).getServer(), 1, (a, b) -> (int) a + (int) b);
        }
        for (String server : servers()) {
            if (!calls.containsKey(server)) {
                throw new AssertionError(server + " got no call: " + calls);
            }
        }
        return calls;
    }

    private List<String> servers() {
        return Arrays.stream(options.get("servers", "").split(","))
                .filter(server -> !server.isEmpty())
                .toList();
    }

    private static HelloRequest hello(String name) {
        return HelloRequest.newBuilder().setName(name).build();
    }

    private static FailRequest failure(String message) {
        return FailRequest.newBuilder()
                .setCode(9)
                .setMessage(message)
                .setReason("OUT_OF_STOCK")
                .setDomain("interop.example")
                .putMetadata("sku", "42")
                .build();
    }

    private static List<String> texts(List<HelloReply> replies) {
        return replies.stream().map(HelloReply::getText).toList();
    }

    private static void expect(Object wanted, Object seen) {
        if (!wanted.equals(seen)) {
            throw new AssertionError("wanted " + wanted + ", saw " + seen);
        }
    }

    private static void expectStatus(String wanted, Throwable failure) {
        String seen = Errors.grpcStatus(failure);
        if (!wanted.equals(seen)) {
            throw new AssertionError("wanted status " + wanted + ", saw " + seen + ": " + Errors.describe(failure));
        }
    }

    private static void expectContains(String text, String part) {
        if (text == null || !text.contains(part)) {
            throw new AssertionError("wanted \"" + part + "\" in: " + text);
        }
    }
}
