//! `protoc-gen-jovian`: started by protoc and buf, which talk to it over standard input and output.

use std::io::{Read, Write};

fn main() -> std::io::Result<()> {
    let mut request = Vec::new();
    std::io::stdin().read_to_end(&mut request)?;
    let answer = jovian::plugin::run(&request);
    if !answer.warnings.is_empty() {
        writeln!(std::io::stderr(), "{}", answer.warnings)?;
    }
    std::io::stdout().write_all(&answer.response)
}
