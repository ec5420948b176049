package jovian.tests;

import com.alibaba.nacos.api.exception.NacosException;
import com.alibaba.nacos.common.model.RestResult;
import com.alibaba.nacos.common.model.RestResultUtils;
import com.alibaba.nacos.core.namespace.model.Namespace;
import com.alibaba.nacos.core.service.NamespaceOperationService;
import java.util.List;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** What the console does in the whole of Nacos: it makes and lists namespaces. */
@RestController
@RequestMapping("/v1/console/namespaces")
class Namespaces {
    @Autowired
    private NamespaceOperationService namespaces;

    @GetMapping
    RestResult<List<Namespace>> list() {
        return RestResultUtils.success(namespaces.getNamespaceList());
    }

    @PostMapping
    Boolean create(@RequestParam String customNamespaceId, @RequestParam String namespaceName) throws NacosException {
        return namespaces.createNamespace(customNamespaceId, namespaceName, "");
    }
}
