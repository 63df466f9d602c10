//! Certificates that `openssl` makes for a test.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with a fresh authority (`ca.pem`, `ca.key`); `None` without `openssl`.
pub(crate) fn authority(name: &str) -> Option<PathBuf> {
    let folder = std::env::temp_dir().join(format!("guilloche-tls-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let made = openssl(
        &folder,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
         -days 2 -subj /CN=authority",
    );
    made.then_some(folder)
}

/// A certificate of the folder's authority with these names (`DNS:…`, `IP:…`, `URI:…`), and its key.
pub(crate) fn certificate(folder: &Path, name: &str, names: &str) {
    std::fs::write(folder.join("san"), format!("subjectAltName={names}")).unwrap();
    for arguments in [
        format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key \
             -out request.pem -subj /CN={name}"
        ),
        format!(
            "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
             -extfile san -out {name}.pem"
        ),
    ] {
        assert!(openssl(folder, &arguments));
    }
}

/// Whether there is the command; where it fails, the test does.
fn openssl(folder: &Path, arguments: &str) -> bool {
    let made =
        Command::new("openssl").args(arguments.split_whitespace()).current_dir(folder).output();
    match made {
        Ok(made) => assert!(made.status.success(), "{made:?}"),
        Err(error) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: there is no openssl command: {error}");
            return false;
        }
        Err(error) => panic!("no openssl command: {error}"),
    }
    true
}
