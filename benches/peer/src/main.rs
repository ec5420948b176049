//! What a user of tonic runs: `jovian-bench-peer protox|protoc PROTO OUT`.
//!
//! Both ways end in `compile_fds`; only who parses the IDL differs. Comments are kept as they are, which is the faster
//! setting, and the module tree is written, as Jovian writes one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use prost::Message as _;
use prost_types::FileDescriptorSet;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let parser = arguments.next().context("the parser is missing")?;
    let proto = PathBuf::from(arguments.next().context("the folder with the IDL is missing")?);
    let out = PathBuf::from(arguments.next().context("the folder for the code is missing")?);
    let mut files = Vec::new();
    find(&proto, &mut files)?;
    files.sort();
    fs::create_dir_all(&out)?;
    let set = match parser.as_str() {
        "protox" => protox(&proto, &files)?,
        "protoc" => protoc(&proto, &files, &out)?,
        other => bail!("unknown parser `{other}`"),
    };
    let settings =
        tonic_prost_build::configure().out_dir(&out).include_file("mod.rs").emit_rerun_if_changed(false);
    Ok(settings.compile_fds(set)?)
}

fn find(dir: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}

fn protox(proto: &Path, files: &[PathBuf]) -> anyhow::Result<FileDescriptorSet> {
    let mut compiler = protox::Compiler::new([proto])?;
    compiler.include_imports(true).include_source_info(true).open_files(files)?;
    Ok(compiler.file_descriptor_set())
}

fn protoc(proto: &Path, files: &[PathBuf], out: &Path) -> anyhow::Result<FileDescriptorSet> {
    let set = out.join("descriptors.binpb");
    let status = Command::new(protoc_bin_vendored::protoc_bin_path()?)
        .args(["--include_imports", "--include_source_info", "-I"])
        .arg(proto)
        .arg("-o")
        .arg(&set)
        .args(files)
        .status()?;
    ensure!(status.success(), "protoc failed");
    Ok(FileDescriptorSet::decode(fs::read(&set)?.as_slice())?)
}
