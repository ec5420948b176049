//! A new project, in memory.
//!
//! In: its name, where the runtime comes from, the folder it is made for. Out: [`Files`]: templates rendered, code generated
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
mod runtime;
mod view;

pub(crate) use name::Name;
pub(crate) use runtime::RuntimeSource;
use view::View;

/// The template of a project with one service.
const SERVICE: &str = "service/";

/// Makes all files of a project that will lie in the folder `project`, an absolute path.
///
/// # Errors
/// When code cannot be generated from the IDL that follows from the name.
pub(crate) fn scaffold(name: &Name, runtime: &RuntimeSource, project: &Path) -> Result<Files, Diagnostics> {
    let view = View::new(name, runtime, project);
    let mut project = Files::default();
    let mut idl = Files::default();
    for (path, text) in embedded::TEMPLATES {
        let Some(path) = path.strip_prefix(SERVICE).and_then(|path| path.strip_suffix(".hbs")) else {
            continue;
        };
        let (path, text) = (render(path, &view), render(text, &view));
        let file = File { text, owner: Owner::User };
        if path.starts_with("proto/") {
            idl.insert(path.clone(), file.clone());
        }
        project.insert(path, file);
    }
    for (name, file) in generated(&idl)?.iter() {
        project.insert(format!("src/generated/{name}"), file.clone());
    }
    for (name, file) in runtime.files() {
        project.insert(name, file);
    }
    Ok(project)
}

/// Fills a template, or the name of one.
#[expect(
    clippy::expect_used,
    reason = "a template that names an unknown word would fail for every name, and tests render all"
)]
fn render(template: &str, view: &View) -> String {
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_escape_fn(handlebars::no_escape);
    handlebars.render_template(template, view).expect("the words of the templates are those of the view")
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
