//! Files that a command makes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// For its owner alone.
pub(super) const PRIVATE: u32 = 0o600;

/// For everybody to read.
pub(super) const PUBLIC: u32 = 0o644;

/// Makes a file of this mode that was not there, and has the disk take it. A file whose text could not
/// be written is gone again.
pub(super) fn create(path: &Path, text: &[u8], mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path)?;
    let written = file.write_all(text).and_then(|()| file.sync_all());
    if written.is_err() {
        // The reason for it is the error that counts.
        let _ = fs::remove_file(path);
    }
    written
}

/// Puts a file in the place of another at once: who reads it sees one or the other whole. Who owned
/// the other one owns it, with the same rights.
pub(super) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let new = path.with_file_name(name);
    create(&new, text, PUBLIC)?;
    let replaced = keep_rights(path, &new).and_then(|()| fs::rename(&new, path));
    if replaced.is_err() {
        let _ = fs::remove_file(&new);
        return replaced;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // The rename, too, has to outlive a crash.
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(unix)]
fn keep_rights(old: &Path, new: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};

    let Ok(old) = fs::metadata(old) else { return Ok(()) };
    fs::set_permissions(new, old.permissions())?;
    let new_owner = fs::metadata(new)?;
    if (new_owner.uid(), new_owner.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    chown(new, Some(old.uid()), Some(old.gid()))
}

#[cfg(not(unix))]
fn keep_rights(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}
