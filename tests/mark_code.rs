//! What a program reads comes out as it went in, under every key and however it was cut; prose
//! around it is marked.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::sync::Arc;

use guilloche::mark::cell::{Cell, Roles};
use guilloche::mark::keys::{Keys, Marking, Recipient};
use guilloche::mark::lexical::{Choice, Rewriter, Site, each_site};
use guilloche::mark::lexicon::Lexicon;

const FIXTURES: [&str; 4] = [
    include_str!("fixtures/marks/programs.txt"),
    include_str!("fixtures/marks/formats.txt"),
    include_str!("fixtures/marks/blocks.txt"),
    include_str!("fixtures/marks/unfenced.txt"),
];

/// English with a contraction, the words for one and a small number in digits, so that every gate is open.
const BEFORE: &str = "I've read the file and there are 2 things that we don't see, and it is so \
    that they do not see them.\n\n";

/// A text of the fixture: what stands before, what a program reads, what stands behind.
struct Case {
    name: &'static str,
    before: &'static str,
    read: &'static str,
    behind: &'static str,
}

impl Case {
    fn all() -> Vec<Self> {
        let sections =
            |fixture: &'static str| fixture.strip_prefix("%%% ").unwrap().split("\n%%% ");
        let cases = FIXTURES.into_iter().flat_map(sections);
        let mut all: Vec<Self> = Vec::new();
        for section in cases {
            let (title, text) = section.split_once('\n').unwrap();
            match (title, all.last_mut()) {
                ("read by a program", Some(case)) => case.read = text,
                ("prose", Some(case)) => case.behind = text,
                _ => all.push(Self { name: title, before: text, read: "", behind: "" }),
            }
        }
        all
    }

    fn text(&self) -> String {
        format!("{BEFORE}{}\n\n{}\n\n{}", self.before, self.read, self.behind)
    }
}

fn marking(account: u8) -> Marking {
    let keys = Keys::from_master(&[7; 32], jiff::Timestamp::UNIX_EPOCH);
    let roles = Arc::new(Roles::new(keys.master(), Lexicon::english().cells()));
    let marked = Recipient { tenant: "", account: &account.to_string(), cluster: None, arm: None };
    keys.marking(&roles, 1, marked, 1.0)
}

fn rewrite(text: &str, size: usize, choice: impl Choice) -> String {
    let mut rewriter = Rewriter::new(Lexicon::english(), choice);
    let mut out = String::new();
    let characters: Vec<char> = text.chars().collect();
    for piece in characters.chunks(size) {
        rewriter.push(&piece.iter().collect::<String>(), &mut out);
    }
    rewriter.finish(false, &mut out);
    out
}

fn forced(text: &str, variant: bool) -> String {
    rewrite(text, text.len().max(1), |_: &Site<'_>| Some(variant))
}

#[test]
fn the_fixture_has_texts_of_every_kind() {
    let cases = Case::all();
    assert!(cases.len() >= 815, "{}", cases.len());
    for case in &cases {
        assert!(!case.read.is_empty(), "{}", case.name);
    }
}

#[test]
fn what_a_program_reads_is_the_same_whatever_is_chosen() {
    let mut wrong = Vec::new();
    for case in Case::all() {
        for variant in [false, true] {
            let out = forced(&case.text(), variant);
            if !out.contains(case.read) {
                let changed = case.read.lines().filter(|line| !out.contains(line));
                wrong.push(format!("{}: {:?}", case.name, changed.collect::<Vec<_>>()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_a_program_reads_is_the_same_under_any_account() {
    let markings: Vec<Marking> = (0..25).map(marking).collect();
    for case in Case::all() {
        for marking in &markings {
            assert!(
                rewrite(&case.text(), usize::MAX, marking).contains(case.read),
                "{}",
                case.name
            );
        }
    }
}

#[test]
fn prose_behind_it_is_marked() {
    let mut left = Vec::new();
    for case in Case::all().iter().filter(|case| !case.behind.is_empty()) {
        let changed = [false, true].map(|variant| forced(&case.text(), variant));
        if changed.iter().all(|out| out.ends_with(case.behind)) {
            left.push(case.name);
        }
    }
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn prose_in_the_tags_of_an_answer_is_marked() {
    let prose = "It usually works, and it is often used.";
    // A word that has just been said is no site.
    let then = "They mainly rest, and that is especially good.";
    let last = "Maybe they can be made entirely new.";
    for tag in ["answer", "final_answer", "response", "thinking"] {
        for text in [
            format!("<{tag}>{prose}</{tag}>"),
            format!("<{tag}>\n{prose}\n\n{then}\n</{tag}>\n\n{last}"),
        ] {
            let [first, second] = [false, true].map(|variant| forced(&text, variant));
            assert_ne!(first, second, "{tag}");
            for out in [&first, &second] {
                assert!(out.starts_with(&format!("<{tag}>")), "{out}");
                assert!(out.contains(&format!("</{tag}>")), "{out}");
            }
            for (one, other) in first.split("\n\n").zip(second.split("\n\n")) {
                assert_ne!(one, other, "{tag}");
            }
        }
    }
}

/// Fails when what prose mentions opens a block: it would go on to the end of the answer.
#[test]
fn what_prose_mentions_of_elements_and_literals_opens_no_block() {
    for mentions in [
        "Put it in the <b> tag, then go on.",
        "A <div> or a <section> holds it, and <br> ends a line.",
        "The tool <write_file> takes a path.",
        "It reads <tool_call>, and then the rest.",
        "Write to <first_name>.<last_name>@a.example then.",
        "Set it to <YOUR_API_KEY> first, or <API_KEY><MORE> then.",
        "Run it with <your_name>/<repo_name> then.",
        "A <b>bold</b> word and an <em>other.",
        "A `Vec<T>` or List<String> is one. A map is Map<string, list_of> here.",
        "It's the users' choice, and 'twas so in the '90s, rock 'n' roll.",
        "The token [TOOL_CALL is one, and so is [this one] here.",
        "Shift it by 1 << SHIFT and x << 2 then.",
        "It costs $5 and $body$ is a mark, $$ as well.",
        "Use %q( or q{ for that, and (* too.",
        "impl<'a, 'b> Foo<'a, 'b> for Bar<'b> {\n}",
        "std::cout << MAX_SIZE << \"x\";\nstd::cout << \"EOF\";",
        "(* means that it is required)",
        "fn f<T>(x: T) where T: 'static + Send,",
        "let shifted = 1 << SHIFT;",
        "echo $((1 << END_BIT))",
        "type 'a list = Nil | Cons of 'a * 'a list",
        "(setq x 'some-symbol)",
        "m = [[a, b], c]",
        "xs.each {|x| puts x}",
        "echo $$ $a$b",
        "git clone <repo_url>\ncd <repo_name>",
        "5 apples and 12 pears.",
        "[1]: https://a.example",
        "The rest of it can be read at the address <https://a.example>\nand what we have is here for all of those who do so.",
        "You can write of it to the one whose name is A <a@a.example>\nor, if that does not help, to all of the rest of us here.",
        "A {% if %} tag, {{#each}} and <% end %> are three of them.",
        "{% set x = 1 %} and {{ x }} are two.",
        "{{ range .A }} and {{ end }} go together.",
        "The {code} macro and [code] are of wikis.",
        "<% if a %>b<% end %>",
        "Use the @code command, or \\code and \\verbatim.",
        "The tool <WRITE_FILE> takes a path, as does <ns:write> there.",
        "s/he is the one, and R & D is the other.",
        "2 000 people came, and 3 CDs.",
        "Lines 1i and 3,5c are commands.",
        "(as it were) it is so.",
        "let s = R\"(a)\";",
        "fn f() {\n}",
        ":END: is how it ends, as :::note does.",
        "{{< ref a >}} and {{#a}} are of templates.",
        "The mark <%-- is one of them.",
        "my $s = q:to and so on;",
    ] {
        let behind = "It is done now. It usually works, and it is often used, for example.";
        let text = format!("{BEFORE}{mentions}\n\n{behind}\n\n{behind}");
        let changed = [false, true].map(|variant| forced(&text, variant));
        let paragraphs =
            |out: &str| out.rsplit("\n\n").take(2).map(str::to_owned).collect::<Vec<_>>();
        let [one, other] = changed.each_ref().map(|out| paragraphs(out));
        assert!(one.iter().zip(&other).all(|(one, other)| one != other), "{mentions}");
    }
}

#[test]
fn it_is_the_same_however_it_is_cut() {
    let marking = marking(3);
    for case in Case::all() {
        let whole = rewrite(&case.text(), usize::MAX, &marking);
        for size in [1, 2, 3, 7, 20] {
            assert_eq!(rewrite(&case.text(), size, &marking), whole, "{} by {size}", case.name);
        }
    }
}

#[test]
fn a_reader_finds_the_sites_that_were_written_and_no_other() {
    let mut wrong = Vec::new();
    for case in Case::all() {
        let mut written: Vec<(Cell, bool)> = Vec::new();
        let out = rewrite(&case.text(), usize::MAX, |site: &Site<'_>| {
            let variant = site.cell().index() % 2 == 1;
            written.push((site.cell(), variant));
            Some(variant)
        });
        let mut read = Vec::new();
        each_site(Lexicon::english(), &out, |site| read.push((site.cell(), site.variant)));
        if read != written {
            wrong.push(case.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
