//! The project file.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::parameter::all_names;
use super::{Kind, Overrides, Setting};
use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::files;

/// The name of the project file.
pub const PROJECT_FILE: &str = "jovian.toml";

/// A project: `jovian.toml`. All paths are below the folder it lies in.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// Files, folders and globs.
    pub inputs: Vec<String>,
    /// Include roots; the inputs' folders when empty.
    pub includes: Vec<PathBuf>,
    /// The folder of the generated code.
    pub out: PathBuf,
    /// What is generated.
    pub generate: Overrides,
}

impl Project {
    /// Reads a project file; relative paths in it count from its folder, whoever runs the tool from wherever.
    ///
    /// # Errors
    /// When it cannot be read, has unknown keys or values of the wrong kind: all of them, each with its line.
    pub fn read(path: &Path) -> Result<Self, Diagnostics> {
        let (project, mut diags) = Self::understand(path)?;
        diags.stop_on_error().map(|()| project)
    }

    /// The same, with as much of a file that is wrong as can be understood, so that what is wrong elsewhere is found, too.
    pub(crate) fn understand(path: &Path) -> Result<(Self, Diagnostics), Diagnostics> {
        let shown = path.display().to_string();
        let text = files::read(path).map_err(|error| {
            Diagnostic::error(Code::NotFound, format!("cannot read `{shown}`: {error}"))
                .help("give IDL files, or run in a folder with a `jovian.toml`")
        })?;
        let (mut project, diags) = Self::parts(&shown, &text);
        let dir = path.parent().unwrap_or(Path::new(""));
        project.out = dir.join(project.out);
        project.includes.iter_mut().for_each(|include| *include = dir.join(&include));
        for input in &mut project.inputs {
            *input = dir.join(&input).to_string_lossy().into_owned();
        }
        Ok((project, diags))
    }

    /// Reads the text of a project file, which is called `file` in complaints.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(file: &str, text: &str) -> Result<Self, Diagnostics> {
        let (project, mut diags) = Self::parts(file, text);
        diags.stop_on_error().map(|()| project)
    }

    fn parts(file: &str, text: &str) -> (Self, Diagnostics) {
        let mut reader = Reader { file, text, diags: Diagnostics::default() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let problem = error.message().lines().next().unwrap_or("not TOML").to_owned();
            reader.complain(error.span(), problem, "write TOML".to_owned());
        }
        let project = reader.project(table.get_ref());
        reader.diags.source(file, text);
        (project, reader.diags)
    }
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    diags: Diagnostics,
}

impl Reader<'_> {
    fn project(&mut self, table: &DeTable<'_>) -> Project {
        let mut project = Project::default();
        let mut out = None;
        for (key, value) in table.iter() {
            match key.get_ref().as_ref() {
                "inputs" => project.inputs = self.texts(value),
                "includes" => project.includes = self.texts(value).into_iter().map(PathBuf::from).collect(),
                "out" => out = self.texts(value).into_iter().next(),
                "generate" => match value.get_ref().as_table() {
                    Some(table) => project.generate = self.overrides(table),
                    None => self.complain(
                        Some(value.span()),
                        "`generate` is no table".to_owned(),
                        format!("its keys are {}", all_names()),
                    ),
                },
                unknown => self.complain(
                    Some(key.span()),
                    format!("unknown key `{unknown}`"),
                    "the keys are `inputs`, `includes`, `out` and the table `generate`".to_owned(),
                ),
            }
        }
        for (key, missing) in [("inputs", !table.contains_key("inputs")), ("out", !table.contains_key("out"))]
        {
            if missing {
                let help = format!("say it: `{key} = ..`; the reference of settings has an example");
                self.complain(None, format!("`{key}` is missing"), help);
            }
        }
        project.out = out.map(PathBuf::from).unwrap_or_default();
        project
    }

    /// The table `generate`.
    fn overrides(&mut self, table: &DeTable<'_>) -> Overrides {
        let mut overrides = Overrides::default();
        for (key, value) in table.iter() {
            match Setting::find(key.get_ref()) {
                Some(setting) => self.set(setting, value, &mut overrides),
                None => self.complain(
                    Some(key.span()),
                    format!("unknown key `{}`", key.get_ref()),
                    format!("the keys of `generate` are {}", all_names()),
                ),
            }
        }
        overrides
    }

    fn set(&mut self, setting: &Setting, value: &Spanned<DeValue<'_>>, overrides: &mut Overrides) {
        let help = || setting.help.to_owned();
        match (setting.kind, value.get_ref()) {
            (Kind::Switch(field), DeValue::Boolean(yes)) => *field(overrides) = Some(*yes),
            (Kind::List(_), DeValue::Array(_) | DeValue::String(_)) => {
                for (text, span) in self.spanned_texts(value) {
                    let result = setting.add(overrides, &text, "");
                    result.unwrap_or_else(|problem| self.complain(Some(span), problem, help()));
                }
            }
            (Kind::Table(_) | Kind::Attributes(_), DeValue::Table(table)) => {
                for (name, value) in table.iter() {
                    for (text, span) in self.spanned_texts(value) {
                        let result = setting.add(overrides, name.get_ref(), &text);
                        result.unwrap_or_else(|problem| self.complain(Some(span), problem, help()));
                    }
                }
            }
            (kind, _) => {
                let wanted = match kind {
                    Kind::Switch(_) => "`true` or `false`",
                    Kind::List(_) => "a list of names",
                    Kind::Table(_) | Kind::Attributes(_) => "a table from names to texts",
                };
                self.complain(Some(value.span()), format!("`{}` is not {wanted}", setting.name), help());
            }
        }
    }

    fn texts(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<String> {
        self.spanned_texts(value).into_iter().map(|(text, _)| text).collect()
    }

    /// One text, or a list of them.
    fn spanned_texts(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<(String, Range<usize>)> {
        let values = match value.get_ref() {
            DeValue::Array(list) => list.iter().collect(),
            _ => vec![value],
        };
        let mut texts = Vec::new();
        for value in values {
            match value.get_ref().as_str() {
                Some(text) => texts.push((text.to_owned(), value.span())),
                None => self.complain(
                    Some(value.span()),
                    "this is neither a text nor a list of texts".to_owned(),
                    "put it between quotation marks".to_owned(),
                ),
            }
        }
        texts
    }

    fn complain(&mut self, span: Option<Range<usize>>, problem: String, help: String) {
        let span = span.map(|span| Span::bytes(self.file, self.text, span.start, span.end));
        self.diags.push(
            Diagnostic::error(Code::Setting, problem)
                .at(span.unwrap_or_else(|| Span::file(self.file)))
                .help(help),
        );
    }
}
