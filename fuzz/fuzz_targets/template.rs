//! The text of an error: `no order {id}`.

#![no_main]

use jovian::model::Template;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(template) = Template::parse(text) {
        assert_eq!(template.text, text);
        for field in &template.fields {
            assert!(text.contains(&format!("{{{field}}}")));
        }
    }
});
