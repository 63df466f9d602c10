//! Files that are made whole or not at all.
//!
//! What is written lies under a name beside the file's until the disk has all of it. So nobody reads half a
//! file, and whatever fails, what was there before is still there.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// For its owner alone.
pub(crate) const PRIVATE: u32 = 0o600;

/// For everybody to read.
#[cfg(feature = "cli")]
pub(crate) const PUBLIC: u32 = 0o644;

/// Makes a file of this mode that was not there, and has the disk take it.
pub(crate) fn create(path: &Path, text: &[u8], mode: u32) -> io::Result<()> {
    create_with(path, mode, |file| file.write_all(text))
}

/// Makes a file of this mode that was not there of what is written to it, and has the disk take it.
pub(crate) fn create_with(
    path: &Path,
    mode: u32,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    absent(path)?;
    beside(path, mode, write, |new| {
        match fs::hard_link(new, path) {
            Ok(()) => {
                // It has its name already; another one takes nothing away.
                let _ = fs::remove_file(new);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(there_already()),
            // Not every file system has links. A name of one's own can be given to another file.
            Err(_) => {
                OpenOptions::new().write(true).create_new(true).open(path)?;
                fs::rename(new, path).inspect_err(|_| drop(fs::remove_file(path)))
            }
        }
    })
}

/// Puts a file in the place of another at once: who reads it sees one or the other whole. Who owned
/// the other one owns it, with the same rights; where there was none it has this mode.
pub(crate) fn replace(path: &Path, text: &[u8], mode: u32) -> io::Result<()> {
    let write = |file: &mut File| file.write_all(text);
    // Until it has the rights of the other one nobody else has any.
    let until = if path.exists() { PRIVATE } else { mode };
    beside(path, until, write, |new| {
        keep_rights(path, new)?;
        fs::rename(new, path)
    })
}

/// That nothing has this name, and that a file can be made of it: so that work whose result has no
/// place is not begun.
#[cfg(feature = "cli")]
pub(crate) fn can_be_created(path: &Path) -> io::Result<()> {
    absent(path)?;
    can_be_replaced(path)
}

/// That a file can be put in the place of this one.
#[cfg(feature = "cli")]
pub(crate) fn can_be_replaced(path: &Path) -> io::Result<()> {
    let trial = name_beside(path)?;
    drop(open(&trial, PRIVATE)?);
    fs::remove_file(trial)
}

/// A link that leads nowhere is something, too.
fn absent(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(there_already()),
    }
}

fn there_already() -> io::Error {
    io::Error::new(ErrorKind::AlreadyExists, "is there already, and nothing is overwritten")
}

/// Writes a file of another name, and has it `place`d; it is gone where that fails.
fn beside(
    path: &Path,
    mode: u32,
    write: impl FnOnce(&mut File) -> io::Result<()>,
    place: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let new = name_beside(path)?;
    let mut file = open(&new, mode)?;
    let written = write(&mut file).and_then(|()| file.sync_all());
    let placed = written.and_then(|()| place(&new));
    if placed.is_err() {
        // The reason for it is the error that counts.
        let _ = fs::remove_file(&new);
        return placed;
    }
    sync_folder(path)
}

/// A name that nobody else takes, not even a process of the same number in another container.
fn name_beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| {
        io::Error::new(ErrorKind::InvalidInput, "is the name of a folder, and not of a file")
    })?;
    let drawn = RandomState::new().hash_one(std::process::id());
    let mut new = OsString::from(name);
    new.push(format!(".new-{drawn:016x}"));
    Ok(path.with_file_name(new))
}

fn open(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)
}

/// The name, too, has to outlive a crash.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of a test's own, gone at its end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("guilloche-new-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn names(&self) -> Vec<String> {
            let names = fs::read_dir(&self.0).unwrap();
            names.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn fails_half_way(file: &mut File) -> io::Result<()> {
        file.write_all(b"half")?;
        Err(io::Error::other("no room"))
    }

    #[test]
    fn what_is_there_is_never_overwritten() {
        let folder = Folder::new("kept");
        let path = folder.0.join("plan");
        create(&path, b"first", PRIVATE).unwrap();
        let error = create(&path, b"second", PRIVATE).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert!(error.to_string().contains("is there already"), "{error}");
        assert_eq!((fs::read(&path).unwrap(), folder.names().len()), (b"first".to_vec(), 1));
    }

    #[test]
    fn what_comes_while_it_is_written_is_not_overwritten_either() {
        let folder = Folder::new("raced");
        let path = folder.0.join("plan");
        let error = create_with(&path, PRIVATE, |file| {
            fs::write(&path, "of another").unwrap();
            file.write_all(b"ours")
        });
        assert_eq!(error.unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!((fs::read(&path).unwrap(), folder.names().len()), (b"of another".to_vec(), 1));
    }

    #[test]
    fn a_file_that_cannot_be_written_to_its_end_is_not_there() {
        let folder = Folder::new("half");
        let path = folder.0.join("counts");
        create_with(&path, PRIVATE, fails_half_way).unwrap_err();
        assert_eq!(folder.names(), [""; 0]);
    }

    #[cfg(feature = "cli")]
    #[test]
    fn a_file_that_could_be_made_is_not_made_by_asking() {
        let folder = Folder::new("asked");
        can_be_created(&folder.0.join("page")).unwrap();
        assert_eq!(folder.names(), [""; 0]);
        can_be_created(&folder.0.join("nowhere").join("page")).unwrap_err();
        can_be_created(&folder.0).unwrap_err();
    }

    #[cfg(unix)]
    #[test]
    fn whoever_replaces_a_file_keeps_its_rights() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("rights");
        let path = folder.0.join("policy");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        replace(&path, b"first", PRIVATE).unwrap();
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        replace(&path, b"second", PRIVATE).unwrap();
        assert_eq!((mode(), fs::read(&path).unwrap()), (0o640, b"second".to_vec()));
        assert_eq!(folder.names(), ["policy"]);
    }
}
