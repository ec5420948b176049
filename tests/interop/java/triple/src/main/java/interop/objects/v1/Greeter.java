package interop.objects.v1;

/** A service without an IDL: it takes objects of Java. */
public interface Greeter {
    String sayHello(String name);
}
