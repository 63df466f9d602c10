//! Where the configuration is, when the command line does not say it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::Failure;
use crate::proxy::config::PATH_VARIABLE;

/// The configuration file that `given` names, or else the first there is.
///
/// A file that is there and cannot be read is taken all the same, so that its reader says why: the
/// next one would be another configuration.
pub(super) fn find(given: Option<PathBuf>) -> Result<PathBuf, Failure> {
    if let Some(path) = given {
        return Ok(path);
    }
    if let Some(path) = named(|name| env::var_os(name)) {
        return Ok(path);
    }
    let places = usual(|name| env::var_os(name));
    let is_there = |path: &&PathBuf| match fs::metadata(path) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    };
    if let Some(path) = places.iter().find(is_there) {
        return Ok(path.clone());
    }
    let places: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
    Err(format!(
        "there is no configuration at {}\n  `guilloche init` writes one to begin with; --config or \
         {PATH_VARIABLE} names one elsewhere",
        places.join(", ")
    )
    .into())
}

/// The one that has to be there.
fn named(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    variable(PATH_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Where it is looked for else, in this order.
fn usual(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // By the XDG Base Directory Specification a path that is not absolute counts as none.
    let personal = set("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let personal = personal.or_else(|| set("HOME").map(|home| home.join(".config")));
    let places = [
        Some(PathBuf::from("guilloche.toml")),
        personal.map(|folder| folder.join("guilloche/guilloche.toml")),
        Some(PathBuf::from("/etc/guilloche/guilloche.toml")),
    ];
    places.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| {
            variables.iter().find(|(it, _)| *it == name).map(|(_, value)| OsString::from(value))
        }
    }

    #[test]
    fn it_is_looked_for_here_then_with_the_user_then_with_the_system() {
        let (here, system) = ("guilloche.toml", "/etc/guilloche/guilloche.toml");
        let (home, mine) = (("HOME", "/home/me"), "/home/me/.config/guilloche/guilloche.toml");
        let looked = |variables: &[(&str, &str)]| usual(of(variables));
        let expected = |places: &[&str]| places.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(looked(&[]), expected(&[here, system]));
        assert_eq!(looked(&[home]), expected(&[here, mine, system]));
        assert_eq!(looked(&[home, ("XDG_CONFIG_HOME", "x")]), expected(&[here, mine, system]));
        let other = "/x/guilloche/guilloche.toml";
        assert_eq!(looked(&[home, ("XDG_CONFIG_HOME", "/x")]), expected(&[here, other, system]));
    }

    #[test]
    fn a_variable_that_is_empty_names_none() {
        assert_eq!(named(of(&[("GUILLOCHE_CONFIG", "/c.toml")])), Some("/c.toml".into()));
        assert_eq!(named(of(&[("GUILLOCHE_CONFIG", "")])), None);
    }
}
