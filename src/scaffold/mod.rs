//! A new project, in memory.
//!
//! In: a [`Project`], the folder it is made for. Out: [`Files`]: templates rendered, code generated
//! from the rendered IDL, the runtime beside them. Never: touching the folder; that is [`Files::create`]'s.

use std::path::Path;

use handlebars::Handlebars;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::files::{self, File, Files, Owner};
use crate::generate::generate;
use crate::idl::Input;
use crate::settings::Settings;

mod embedded {
    //! The texts that `build.rs` has put into the program.
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}
mod manifest;
mod name;
mod registry;
mod runtime;
mod view;

pub(crate) use name::Name;
pub(crate) use registry::Registry;
pub(crate) use runtime::RuntimeSource;
use view::View;

/// What a project is made of.
#[derive(Debug)]
pub(crate) struct Project {
    /// What it is called.
    pub(crate) name: Name,
    /// Where it gets the runtime from.
    pub(crate) runtime: RuntimeSource,
    /// Where its service is found.
    pub(crate) registry: Registry,
}

impl Project {
    /// The folders of templates that it is made from; the files of a later one come to those of the earlier ones.
    fn templates(&self) -> Vec<String> {
        let mut folders = vec!["service/".to_owned()];
        if self.registry.store().is_some() {
            folders.extend(["store/".to_owned(), format!("store-{}/", self.registry.name())]);
        }
        folders
    }
}

/// Makes all files of a project that will lie in the folder `dir`, an absolute path.
///
/// # Errors
/// When code cannot be generated from the IDL that follows from the name.
pub(crate) fn scaffold(project: &Project, dir: &Path) -> Result<Files, Diagnostics> {
    let (renderer, view) = (renderer(&project.registry), View::new(project, dir));
    let mut files = Files::default();
    let mut idl = Files::default();
    for folder in project.templates() {
        for (path, text) in embedded::TEMPLATES {
            let Some(path) = path.strip_prefix(&*folder).and_then(|path| path.strip_suffix(".hbs")) else {
                continue;
            };
            let (path, text) = (render(&renderer, path, &view), render(&renderer, text, &view));
            let file = File { text, owner: Owner::User };
            if path.starts_with("proto/") {
                idl.insert(path.clone(), file.clone());
            }
            files.insert(path, file);
        }
    }
    for (name, file) in generated(&idl)?.iter() {
        files.insert(format!("src/generated/{name}"), file.clone());
    }
    for (name, file) in project.runtime.files() {
        files.insert(name, file);
    }
    Ok(files)
}

/// What fills templates; `{{> registry}}` is what the configuration says of the registry.
#[expect(
    clippy::expect_used,
    reason = "a template that cannot be read would fail for every name, and tests render all"
)]
fn renderer(registry: &Registry) -> Handlebars<'static> {
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_escape_fn(handlebars::no_escape);
    let section = format!("registry/{}.toml.hbs", registry.name());
    let section = embedded::TEMPLATES.iter().find(|(path, _)| *path == section);
    let (_, section) = section.expect("every registry has its section");
    handlebars.register_partial("registry", section).expect("it is a template");
    handlebars
}

/// Fills a template, or the name of one.
#[expect(
    clippy::expect_used,
    reason = "a template that names an unknown word would fail for every name, and tests render all"
)]
fn render(renderer: &Handlebars<'_>, template: &str, view: &View) -> String {
    renderer.render_template(template, view).expect("the words of the templates are those of the view")
}

/// What `jovian gen` makes of the IDL in the project itself.
fn generated(idl: &Files) -> Result<Files, Diagnostics> {
    let refused = |error: std::io::Error| {
        Diagnostic::error(Code::Io, format!("cannot write to the folder for temporary files: {error}"))
            .help("check that there is one, and that it may be written")
    };
    let temporary = files::temporary().map_err(refused)?;
    let dir = temporary.path().join("idl");
    idl.create(&dir).map_err(refused)?;
    let inputs = vec![dir.join("proto").to_string_lossy().into_owned()];
    let input = Input::Proto { inputs, includes: Vec::new(), protoc: "protoc".into() };
    generate(&input, &Settings::default()).map(|output| output.files)
}
