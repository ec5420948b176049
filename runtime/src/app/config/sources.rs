//! Where the configuration of a process comes from, so that it can be read again.
//!
//! In: the arguments and the environment of the process. Out: the text of its file, and what lies over it. Never: what a
//! setting means.

use std::env;
use std::ffi::OsString;
use std::fs;

use super::value::is_setting;
use super::{AppConfig, ConfigError, Value};

/// The variable that names the file.
const FILE_VARIABLE: &str = "JOVIAN_CONFIG";
/// The file, if nobody names one.
const DEFAULT_FILE: &str = "config/app.toml";
/// What a person is told who writes another flag.
const FLAGS: &str = "known flags: `--config FILE`, `--set KEY=VALUE`";

/// The file, the environment and the flags of a process.
#[derive(Clone)]
pub(crate) struct Sources {
    file: String,
    /// Who named the file, in words; nobody, if it is the usual one, which may be missing.
    named_by: &'static str,
    environment: Vec<(OsString, OsString)>,
    /// Keys and the texts of their values, in the order in which they were written.
    flags: Vec<(String, String)>,
}

impl Sources {
    /// Those of this process, with `arguments` as its flags.
    pub(super) fn of_process(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, ConfigError> {
        let named = env::var_os(FILE_VARIABLE).map(|file| file.to_string_lossy().into_owned());
        let mut sources = Self {
            named_by: if named.is_some() { " that the variable JOVIAN_CONFIG names" } else { "" },
            file: named.unwrap_or_else(|| DEFAULT_FILE.to_owned()),
            environment: env::vars_os().filter(|(name, _)| is_setting(name)).collect(),
            flags: Vec::new(),
        };
        sources.take_flags(arguments)?;
        Ok(sources)
    }

    fn take_flags(&mut self, arguments: impl IntoIterator<Item = OsString>) -> Result<(), ConfigError> {
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let argument = utf8(argument)?;
            let (flag, inline) = match argument.split_once('=') {
                Some((flag, value)) => (flag, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            if !["--config", "--set"].contains(&flag) {
                return Err(ConfigError::argument(format!("unknown flag `{flag}`; {FLAGS}")));
            }
            let value = match inline {
                Some(value) => value,
                None => match arguments.next() {
                    Some(value) => utf8(value)?,
                    None => return Err(ConfigError::argument(format!("`{flag}` has no value; {FLAGS}"))),
                },
            };
            self.take_flag(flag, value)?;
        }
        Ok(())
    }

    fn take_flag(&mut self, flag: &str, value: String) -> Result<(), ConfigError> {
        if flag == "--config" {
            self.file = value;
            self.named_by = " that the flag --config names";
            return Ok(());
        }
        match value.split_once('=') {
            Some((key, text)) => {
                self.flags.push((key.trim().to_owned(), text.to_owned()));
                Ok(())
            }
            None => {
                Err(ConfigError::argument("`--set` takes `KEY=VALUE`, such as `server.address=0.0.0.0:9000`"))
            }
        }
    }

    /// What the file says now.
    pub(crate) fn text(&self) -> Result<String, ConfigError> {
        fs::read_to_string(&self.file)
            .map_err(|error| ConfigError::unreadable(&self.file, self.named_by, error))
    }

    /// What the file says now; nothing, if nobody named it and it is not there.
    pub(super) fn text_if_any(&self) -> Result<Option<String>, ConfigError> {
        if self.named_by.is_empty() && fs::exists(&self.file).is_ok_and(|there| !there) {
            return Ok(None);
        }
        self.text().map(Some)
    }

    /// The configuration that the process would have if its file said `text`.
    pub(crate) fn read(&self, text: &str) -> Result<AppConfig, ConfigError> {
        let mut written = Value::parse(&self.file, text)?;
        written.overlay(self.environment.iter().cloned())?;
        for (key, text) in &self.flags {
            written.set(key, text.clone())?;
        }
        AppConfig::of(written)
    }
}

fn utf8(argument: OsString) -> Result<String, ConfigError> {
    argument
        .into_string()
        .map_err(|argument| ConfigError::argument(format!("`{}` is not UTF-8", argument.display())))
}
