use super::*;
use crate::registry::Provided;

fn instance() -> Instance {
    let service = Provided {
        java: "com.example.shop.Orders".to_owned(),
        methods: vec!["GetOrder".to_owned()],
        group: "blue".to_owned(),
        version: "1.0.0".to_owned(),
        ..Provided::named("shop.orders.v1.Orders")
    };
    Instance {
        services: vec![service],
        started: 1_767_225_600_000,
        version: "1.4.2".to_owned(),
        ..Instance::new("shop.order.orders", "10.0.0.7:9000")
    }
}

fn wanted() -> Wanted {
    let mut wanted = Wanted::app("shop.order.orders");
    wanted.name = "shop.orders.v1.Orders".to_owned();
    wanted.java = "com.example.shop.Orders".to_owned();
    wanted.group = "blue".to_owned();
    wanted.version = "1.0.0".to_owned();
    wanted
}

fn nacos(name: &str) -> Nacos {
    Nacos::by_name(name, &Options::default()).unwrap()
}

fn shown(record: &NacosInstance) -> String {
    let metadata: Vec<String> =
        record.metadata.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{} {}:{} {} {}", record.service, record.ip, record.port, record.weight, metadata.join(" "))
}

#[test]
fn dubbo_by_interface_has_a_service_for_each_name() {
    let nacos = nacos("dubbo-tri");
    let records = nacos.write(&instance());
    let rest = "methods=getOrder path=shop.orders.v1.Orders protocol=tri release=3.3.6 side=provider \
                timestamp=1767225600000 version=1.0.0";
    let expected = |interface: &str| {
        format!(
            "providers:{interface}:1.0.0:blue 10.0.0.7:9000 1 application=shop.order.orders \
             application.version=1.4.2 category=providers deprecated=false dubbo=2.0.2 dynamic=true \
             generic=false group=blue interface={interface} {rest}"
        )
    };
    let found: Vec<String> = records.iter().map(shown).collect();
    assert_eq!(found, [expected("com.example.shop.Orders"), expected("shop.orders.v1.Orders")]);
    let services: Vec<&String> = records.iter().map(|record| &record.service).collect();
    assert_eq!(nacos.services(&wanted()).iter().collect::<Vec<_>>(), services);
    // One of several is called by its Java interface.
    for (record, path) in records.iter().zip(["com.example.shop.Orders", ""]) {
        let mut read = nacos.read(&wanted(), record, None).unwrap().unwrap();
        assert_eq!(read.metadata.remove("release").unwrap(), "3.3.6");
        assert_eq!(std::mem::take(&mut read.services[0].path), path);
        assert_eq!(read, instance());
    }
}

#[test]
fn what_others_write_is_read() {
    let mut wanted = wanted();
    (wanted.group, wanted.version) = (String::new(), String::new());
    let read = |metadata: &[(&str, &str)]| {
        let metadata = metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let service = "providers:com.example.shop.Orders::";
        let record =
            NacosInstance { metadata: metadata.collect(), ..NacosInstance::new(service, "10.0.0.1", 1) };
        nacos("dubbo-tri").read(&wanted, &record, None).unwrap()
    };
    let smallest = read(&[("protocol", "tri"), ("application", "java-orders")]).unwrap();
    assert_eq!((smallest.app.as_str(), smallest.weight), ("java-orders", 100));
    assert_eq!(smallest.services[0].path, "com.example.shop.Orders");
    let of_go = read(&[("protocol", "tri"), ("path", "/shop.orders.v1.Orders"), ("weight", "50")]).unwrap();
    assert_eq!((of_go.services[0].path.as_str(), of_go.weight), ("", 50));
    assert_eq!(read(&[]), None);
    assert_eq!(read(&[("protocol", "tri"), ("version", "2.0.0")]), None);
}

#[test]
fn weights_of_operators_count() {
    assert_eq!([weighed(100, 1.0), weighed(50, 0.5), weighed(100, 0.0)], [100, 25, 0]);
    assert_eq!([weighed(100, 70.0), weighed(100, f64::NAN), weighed(100, -1.0)], [70, 0, 0]);
}

#[test]
fn dubbo_by_application_leaves_its_services_to_a_text() {
    let nacos = nacos("dubbo-app");
    let [record] = nacos.write(&instance()).try_into().unwrap();
    let revision = nacos.revision(&record).unwrap();
    assert_eq!(
        shown(&record),
        format!(
            "shop.order.orders 10.0.0.7:9000 1 dubbo.endpoints=[{{\"port\":9000,\"protocol\":\"tri\"}}] \
             dubbo.metadata.revision={revision} dubbo.metadata.storage-type=remote meta-v=1.0.0 \
             timestamp=1767225600000"
        )
    );
    let configs = nacos.configs(&instance());
    let names = |config: &NacosConfig| (config.data_id.clone(), config.group.clone(), config.life);
    let mapping = |interface: &str| (interface.to_owned(), "mapping".to_owned(), Life::Shared);
    assert_eq!(
        configs.iter().map(names).collect::<Vec<_>>(),
        [
            ("shop.order.orders".to_owned(), revision, Life::Kept),
            mapping("com.example.shop.Orders"),
            mapping("shop.orders.v1.Orders")
        ]
    );
    let mut read = nacos.read(&wanted(), &record, Some(&configs[0].content)).unwrap().unwrap();
    assert_eq!(read.metadata.remove("release").unwrap(), "3.3.6");
    assert_eq!(read, instance());
    assert_eq!(nacos.read(&wanted(), &record, None).unwrap(), None);
    assert!(nacos.read(&wanted(), &record, Some("[]")).is_err());
}

#[test]
fn kratos_has_a_service_for_each_protocol() {
    let nacos = nacos("kratos");
    let [record] = nacos.write(&instance()).try_into().unwrap();
    assert_eq!(
        shown(&record),
        "shop.order.orders.grpc 10.0.0.7:9000 100 kind=grpc started=1767225600000 version=1.4.2"
    );
    let read = nacos.read(&wanted(), &record, None).unwrap().unwrap();
    assert_eq!(read, Instance { services: Vec::new(), ..instance() });
}

#[test]
fn what_would_be_refused_goes_methods_first() {
    let mut instance = instance();
    let size = |instance: &Instance| {
        let records = nacos("dubbo-tri").write(instance);
        let texts =
            records[0].metadata.iter().map(|(name, value)| name.chars().count() + value.chars().count());
        (texts.sum::<usize>(), records[0].clone())
    };
    instance.services[0].methods = (0..100).map(|number| format!("GetOrder{number}")).collect();
    instance.metadata.insert("note".to_owned(), "ö".repeat(500));
    let (all, record) = size(&instance);
    assert!(all <= NacosInstance::LIMIT && record.metadata.contains_key("note"));
    assert!(!record.metadata.contains_key("methods"));
    instance.metadata.insert("other".to_owned(), "ö".repeat(499));
    let (all, record) = size(&instance);
    assert!(all <= NacosInstance::LIMIT && record.metadata.contains_key("other"));
    assert!(!record.metadata.contains_key("note") && record.metadata["protocol"] == "tri");
}
