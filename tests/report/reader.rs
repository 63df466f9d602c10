//! A page as a parser of XML reads it.

use std::collections::BTreeSet;

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

/// What a page has in it.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The markup itself.
    pub(crate) html: String,
    /// All text, without that of the style.
    pub(crate) text: String,
    pub(crate) title: String,
    pub(crate) h1: String,
    pub(crate) headings: Vec<String>,
    /// Names of elements.
    pub(crate) elements: BTreeSet<String>,
    /// Element, attribute and value, unescaped.
    pub(crate) attributes: Vec<(String, String, String)>,
}

impl Page {
    /// Reads a page to its end; fails where it is not well-formed.
    pub(crate) fn read(html: &str) -> Self {
        let mut page = Self { html: html.to_owned(), ..Self::default() };
        let mut reader = Reader::from_str(html);
        reader.config_mut().check_end_names = true;
        let mut open: Vec<String> = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Eof => break,
                Event::Start(start) => {
                    let name = page.element(&start);
                    if name == "h2" {
                        page.headings.push(String::new());
                    }
                    open.push(name);
                }
                Event::Empty(start) => {
                    page.element(&start);
                }
                Event::End(_) => {
                    open.pop().unwrap();
                }
                Event::Text(text) => page.add(&open, &text.decode().unwrap()),
                Event::GeneralRef(reference) => {
                    let written = format!("&{};", reference.decode().unwrap());
                    page.add(&open, &unescape(&written).unwrap());
                }
                Event::DocType(kind) => assert_eq!(kind.decode().unwrap().trim(), "html"),
                other => panic!("{other:?}"),
            }
        }
        assert!(open.is_empty(), "{open:?}");
        page
    }

    fn element(&mut self, start: &BytesStart<'_>) -> String {
        let name = String::from_utf8(start.name().as_ref().to_vec()).unwrap();
        for attribute in start.attributes().with_checks(true) {
            let attribute = attribute.unwrap();
            let key = String::from_utf8(attribute.key.as_ref().to_vec()).unwrap();
            let value = String::from_utf8(attribute.value.to_vec()).unwrap();
            self.attributes.push((name.clone(), key, unescape(&value).unwrap().into_owned()));
        }
        self.elements.insert(name.clone());
        name
    }

    fn add(&mut self, open: &[String], text: &str) {
        if open.iter().any(|name| name == "style") {
            return;
        }
        self.text.push_str(text);
        if open.iter().any(|name| name == "title") && !open.iter().any(|name| name == "svg") {
            self.title.push_str(text);
        }
        if open.iter().any(|name| name == "h1") {
            self.h1.push_str(text);
        }
        if open.iter().any(|name| name == "h2") {
            self.headings.last_mut().unwrap().push_str(text);
        }
    }

    /// The values of an attribute.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let name = name.to_owned();
        self.attributes
            .iter()
            .filter(move |(_, key, _)| *key == name)
            .map(|(.., value)| value.as_str())
    }
}
