use super::*;

static ORDERS: Service =
    Service::new("shop.orders.v1.Orders", &[]).app("shop.order.orders").java("com.example.shop.Orders");

fn lookup(text: &str) -> Lookup {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_text_is_a_section_and_what_is_wanted() {
    let here = lookup("memory://");
    assert_eq!(here.section(), &RegistrySection::default());
    assert_eq!(here.wanted(&ORDERS), Wanted::of(&ORDERS));
    let other = lookup("memory:///shop.other?group=blue&version=1.0%2B1");
    let wanted = other.wanted(&ORDERS);
    assert_eq!((wanted.app.as_str(), wanted.name.as_str()), ("shop.other", "shop.orders.v1.Orders"));
    assert_eq!((wanted.group.as_str(), wanted.version.as_str()), ("blue", "1.0+1"));
    let files = lookup("file:///run/my%20fleet?app=shop.other");
    assert_eq!(files.section().path.as_deref(), Some("/run/my fleet".as_ref()));
    assert_eq!(files.of_any().app, "shop.other");
    assert_eq!(lookup("file://").section().path, None);
}

#[cfg(feature = "etcd")]
#[test]
fn members_layouts_and_options_are_read() {
    let text =
        "kratos+dubbo+etcd://me:w%40rd@10.1.0.7:2379,10.1.0.8:2379/com.other.Orders?root=fleet&tls=true";
    let all = lookup(text);
    let section = all.section();
    assert_eq!(section.endpoints, ["10.1.0.7:2379", "10.1.0.8:2379"]);
    assert_eq!(section.layouts, ["kratos", "dubbo-tri", "dubbo-app", "dubbo-grpc"]);
    assert!(
        section.options.len() == 4 && section.options.values().all(|of| of.root.as_deref() == Some("fleet"))
    );
    assert_eq!(section.user.as_deref(), Some("me"));
    assert_eq!(section.password, Some(Secret::new("w@rd")));
    assert_eq!(section.tls, Some(ClientTlsSection::default()));
    let wanted = all.wanted(&ORDERS);
    assert_eq!((wanted.app.as_str(), wanted.java.as_str()), ("shop.order.orders", "com.other.Orders"));
    assert_eq!(wanted.legacy, "com.other.DubboOrdersGrpc$IOrders");
    let usual = lookup("etcd:///shop.order.orders?mode=live&layout=jupiter");
    assert_eq!(usual.section().members(), ["127.0.0.1:2379"]);
    assert_eq!(usual.section().options["jupiter"].mode.as_deref(), Some("live"));
    assert_eq!(
        lookup("etcd:///com.x.DubboOrdersGrpc$IOrders").of_any().legacy,
        "com.x.DubboOrdersGrpc$IOrders"
    );
}

#[cfg(feature = "nacos")]
#[test]
fn where_in_a_nacos_is_read() {
    let text =
        "dubbo+nacos://me:word@10.1.0.7:8848/com.other.Orders?namespace=live&nacos_group=shop&group=blue";
    let there = lookup(text);
    let section = there.section();
    assert_eq!(section.layouts, ["dubbo-tri", "dubbo-app"], "all that Nacos has");
    let nacos = section.nacos.clone().unwrap();
    assert_eq!((nacos.namespace.as_deref(), nacos.group.as_deref()), (Some("live"), Some("shop")));
    assert_eq!(there.wanted(&ORDERS).group, "blue", "that is Dubbo's");
    let usual = lookup("nacos:///shop.order.orders");
    assert_eq!(
        (usual.section().members(), &usual.section().nacos),
        (vec!["127.0.0.1:8848".to_owned()], &None)
    );
}

#[cfg(feature = "discovery")]
#[test]
fn where_in_a_discovery_is_read() {
    let there = lookup("discovery://10.1.0.7:7171/shop.order.orders?env=live");
    assert_eq!(there.section().discovery.as_ref().unwrap().env.as_deref(), Some("live"));
    assert_eq!(lookup("discovery://").section().members(), ["127.0.0.1:7171"]);
}

#[test]
fn what_is_wrong_is_said_with_what_is_right() {
    let mut mistakes = vec![
        ("etdc:///a", "`etdc` is no registry; there are `memory`, `file`, `etcd`"),
        ("memory://here/a", "the registry `memory` is this process: write `memory:///shop.order.orders`"),
        ("file://run/a", "a folder begins with a slash: write `file:///run/a`, or `file://` for your own"),
        ("memory:///a/b", "`a/b` names no app and no interface, as `shop.order.orders` does"),
        ("memory:///a?app=b", "what is looked for is named twice, in the path and as `app`"),
        ("memory:///a?gruop=b", "`gruop` is no parameter; there are `layout`, `group`"),
        ("memory:///a?namespace=live", "`namespace` means nothing to the registry `memory`"),
        ("memory:///a?tls=yes", "`tls` is `true` or `false`, not `yes`"),
        ("memory:///%ff", "a part of it is not UTF-8"),
        ("memory:///a?mode=live", "`mode` means nothing to the layouts that are spoken there"),
    ];
    if cfg!(feature = "etcd") {
        mistakes.extend([
            ("etcd://me:word@10.1.0.7/a", "`10.1.0.7` is no `host:port`, as `10.1.0.7:2379` is"),
            ("etcd://a:1,/a", "`` is no `host:port`, as `10.1.0.7:2379` is"),
            ("jupitr+etcd:///a", "there is no layout `jupitr`; there are jupiter, dubbo-tri"),
            ("kratos+etcd:///a?layout=kratos", "its layouts are named twice, before the `+` and as `layout`"),
        ]);
    } else {
        mistakes.push(("etcd:///a", "`etcd` needs the feature `etcd` of the crate `jovian-runtime`"));
    }
    if cfg!(feature = "nacos") {
        mistakes.extend([
            (
                "kitex+nacos:///a",
                "there is no layout `kitex` in Nacos; there are dubbo-tri, dubbo-app, kratos",
            ),
            ("nacos:///a?root=b", "`root` means nothing to the layouts that are spoken there"),
            ("nacos:///a?env=live", "`env` means nothing to the registry `nacos`"),
        ]);
    }
    if cfg!(feature = "discovery") {
        mistakes.extend([
            ("kratos+discovery:///a", "there is no layout `kratos` in discovery; there is `discovery`"),
            ("discovery://me:word@10.1.0.7:7171/a", "the kind `discovery` knows no users"),
            ("discovery:///a?namespace=live", "`namespace` means nothing to the registry `discovery`"),
        ]);
    }
    for (text, why) in mistakes {
        let error = text.parse::<Lookup>().expect_err(text).to_string();
        assert!(error.starts_with(why) && !error.contains("word"), "{text}: {error}");
    }
}

#[test]
fn addresses_are_none() {
    for address in ["http://orders:80", "10.1.0.7:9000", "unix:/run/a", "static://a,b", "https://a"] {
        assert!(!Lookup::is_meant(address), "{address}");
    }
    for lookup in ["etcd:///a", "file:///a", "dubbo+zookeper://a"] {
        assert!(Lookup::is_meant(lookup), "{lookup}");
    }
}
