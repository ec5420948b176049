//! Records and instances for people.

use jovian_runtime::registry::Instance;

use super::ls::{Listed, Listing, Service};

/// Services by layout, with their instances below them.
pub(super) fn listing(listing: &Listing) -> String {
    let Listing { target, services, unreadable, others, .. } = listing;
    let mut text = target.clone();
    if services.is_empty() {
        text += "\n\nno instances";
    }
    let mut last = "";
    for service in services {
        if service.layout != last {
            text += &format!("\n\n{}", service.layout);
            last = service.layout;
        }
        text += &format!("\n  {}", heading(service));
        let line = |listed: &Listed| {
            let line = format!("{}   {}", listed.instance.address, about(&service.name, &listed.instance));
            format!("\n    {}", line.trim_end())
        };
        // One may stand under two keys.
        let mut lines: Vec<String> = service.instances.iter().map(line).collect();
        lines.dedup();
        text += &lines.concat();
    }
    if !unreadable.is_empty() {
        text += "\n\ncannot be read";
        for record in unreadable {
            text += &format!("\n  {}\n    {}: {}", record.key, record.layout, record.why);
        }
    }
    if !others.is_empty() {
        let keys = if others.len() == 1 { "key stands" } else { "keys stand" };
        text += &format!("\n\n{} more {keys} for no instance", others.len());
    }
    text
}

fn heading(service: &Service) -> String {
    let mut heading = service.name.clone();
    if let Some(mode) = &service.mode {
        heading += &format!("   mode {mode}");
    }
    if let Some(root) = &service.root {
        heading += &format!("   root {root}");
    }
    heading
}

/// What is to be said of an instance that stands under a name, apart from its address.
pub(super) fn about(name: &str, instance: &Instance) -> String {
    let mut words = Vec::new();
    let mut say = |what: &str, value: &str| {
        if !value.is_empty() {
            words.push(format!("{what} {value}"));
        }
    };
    if instance.id != instance.address {
        say("id", &instance.id);
    }
    if instance.app != name {
        say("app", &instance.app);
    }
    for service in &instance.services {
        if service.name != name {
            say("serves", &service.name);
        }
        if service.java != name && service.java != service.name {
            say("Java", &service.java);
        }
        say("path", &service.path);
        say("group", &service.group);
        say("version", &service.version);
    }
    if instance.weight != Instance::DEFAULT_WEIGHT {
        say("weight", &instance.weight.to_string());
    }
    say("zone", &instance.zone);
    say("app version", &instance.version);
    say("colour", &instance.colour);
    if !instance.enabled {
        words.push("out of use".to_owned());
    }
    words.join(", ")
}

/// A value as people see that it is empty.
pub(super) fn value(value: &str) -> &str {
    if value.is_empty() { "(empty)" } else { value }
}

/// A text with blanks before each of its lines.
pub(super) fn indented(text: &str, blanks: usize) -> String {
    let lines = text.lines().map(|line| format!("{:blanks$}{line}", "").trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}
