//! The settings of the generator as flags of the command line.

use clap::builder::TypedValueParser as _;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, Error};

use crate::settings::{Kind, Overrides, SETTINGS};

/// What the flags say. Every setting is one, so that none is forgotten.
#[derive(Clone, Debug, Default)]
pub(super) struct Flags(pub(super) Overrides);

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        command.next_help_heading("Settings").args(SETTINGS.iter().map(|setting| {
            let action = match setting.kind {
                Kind::Switch(_) => ArgAction::Set,
                Kind::List(_) | Kind::Table(_) | Kind::Attributes(_) => ArgAction::Append,
            };
            let check = |text: String| setting.set(&mut Overrides::default(), &text).map(|()| text);
            Arg::new(setting.name)
                .long(setting.name)
                .value_name(setting.value)
                .help(setting.help)
                .value_parser(clap::builder::StringValueParser::new().try_map(check))
                .action(action)
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for setting in SETTINGS {
            for text in matches.get_many::<String>(setting.name).into_iter().flatten() {
                let refused = |problem| Error::raw(ErrorKind::ValueValidation, problem);
                setting.set(&mut self.0, text).map_err(refused)?;
            }
        }
        Ok(())
    }
}
