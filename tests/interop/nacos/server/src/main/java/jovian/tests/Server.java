package jovian.tests;

import com.alibaba.nacos.core.code.ControllerMethodsCache;
import com.alibaba.nacos.plugin.auth.exception.AccessException;
import com.alibaba.nacos.sys.filter.NacosTypeExcludeFilter;
import com.alipay.sofa.jraft.storage.impl.RocksDBLogStorage;
import com.alipay.sofa.jraft.util.StorageOptionsFactory;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.AutoConfigurationExcludeFilter;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.TypeExcludeFilter;
import org.springframework.boot.web.servlet.ServletComponentScan;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.FilterType;
import org.springframework.context.annotation.Import;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.ResponseEntity;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.bind.annotation.ExceptionHandler;

/**
 * The server of Nacos without its console, from its modules, until standard input ends. Options are system properties, as its
 * own script gives them.
 */
@SpringBootApplication
@ComponentScan(basePackages = "com.alibaba.nacos", excludeFilters = {
    @ComponentScan.Filter(type = FilterType.CUSTOM, classes = NacosTypeExcludeFilter.class),
    @ComponentScan.Filter(type = FilterType.CUSTOM, classes = TypeExcludeFilter.class),
    @ComponentScan.Filter(type = FilterType.CUSTOM, classes = AutoConfigurationExcludeFilter.class)})
@ServletComponentScan("com.alibaba.nacos")
@EnableScheduling
@Import(Namespaces.class)
public class Server {
    /** What the console does in the whole of Nacos: who may call which method over HTTP is looked up there. */
    @Autowired
    void knowMethods(ControllerMethodsCache methods) {
        methods.initClassMethod("com.alibaba.nacos.core.controller");
        methods.initClassMethod("com.alibaba.nacos.naming.controllers");
        methods.initClassMethod("com.alibaba.nacos.config.server.controller");
    }

    /** What the console does in the whole of Nacos: a wrong password has a status. */
    @ControllerAdvice
    @Order(Ordered.HIGHEST_PRECEDENCE)
    static class Refusals {
        @ExceptionHandler(AccessException.class)
        ResponseEntity<String> refuse(AccessException refusal) {
            return ResponseEntity.status(403).body(refusal.getErrMsg());
        }
    }

    public static void main(String[] args) throws java.io.IOException {
        // Each of five groups of Raft would take 145 MiB of disk for a log of some lines.
        StorageOptionsFactory.registerRocksDBOptions(RocksDBLogStorage.class,
            StorageOptionsFactory.getDefaultRocksDBOptions().setMaxTotalWalSize(1 << 20));
        SpringApplication.run(Server.class, args);
        System.out.println("ready");
        while (System.in.read() >= 0) {
            // Until it ends.
        }
        Runtime.getRuntime().halt(0);
    }
}
