//! What to do next: commands that work as they stand.

use std::io::{self, Write};
use std::path::Path;

use super::template::Template;

/// What has been made.
pub(super) struct Next<'n> {
    pub(super) folder: &'n Path,
    pub(super) template: &'n Template<'n>,
}

impl Next<'_> {
    /// Prints the commands, and what they show.
    pub(super) fn tell(&self, out: &mut impl Write) -> io::Result<()> {
        let Template { key_id, embedded, listen, .. } = self.template;
        let sign = format!(
            "guilloche risk sign --key-file {} --key-id {key_id} --account acct-1 --score 0.8",
            self.path("risk.key")
        );
        let url = match listen.to_string().as_str() {
            "127.0.0.1:8080" => String::new(),
            address => format!(" --url http://{address}"),
        };
        let (serve, verify) = (self.configured("serve"), self.configured("risk verify"));
        let audit = self.folder.join("audit.jsonl");
        if *embedded {
            return writeln!(
                out,
                "\nTo try it before a small model, each in a terminal of its own:\n\n  \
                   guilloche teacher\n  \
                   {serve}\n  \
                   {sign} --format curl{url} | sh\n\n\
                 The last one asks as a caller of whom a detector has said that. Nothing is withheld, as the\n\
                 policy observes; {} tells what it would have done.",
                audit.display()
            );
        }
        writeln!(
            out,
            "\nThen:\n\n  \
               {serve} --check\n  \
               {sign} | {verify}\n  \
               {serve}\n\n\
             The first one tells what is missing, the second one what the proxy makes of a detector's word.\n\
             Clients ask http://{listen} in place of {};\n\
             {} tells what the policy would have done.",
            self.template.url,
            audit.display()
        )
    }

    /// A command that reads the configuration.
    fn configured(&self, command: &str) -> String {
        if self.folder == Path::new(".") {
            // Where it is looked for anyway.
            return format!("guilloche {command}");
        }
        format!("guilloche {command} --config {}", self.path("guilloche.toml"))
    }

    /// A file of the folder, for a shell.
    fn path(&self, name: &str) -> String {
        let here = self.folder == Path::new(".");
        let path = if here { name.into() } else { self.folder.join(name) };
        let path = path.display().to_string();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
        if path.bytes().all(plain) {
            return path;
        }
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}
