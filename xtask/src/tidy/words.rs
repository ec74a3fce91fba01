//! No text and no file's name holds a word that has a better one: the list is `words.txt`, which says how it is read.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::{Context, Result, ensure};

use crate::tidy::texts::{self, Text};
use crate::workspace::Workspace;

/// The list, and where it is.
const LIST: &str = include_str!("words.txt");
const FILE: &str = "xtask/src/tidy/words.txt";

/// Endings of the files that are read.
const ENDINGS: [&str; 8] = ["rs", "md", "yaml", "py", "toml", "mjs", "cjs", "in"];

/// What may be between the words of a phrase: blanks, the joints of names, and the signs that begin a comment's line.
const BETWEEN: [char; 9] = [' ', '\n', '_', '-', '/', '!', '#', '*', '"'];

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let list = List::parse(LIST)?;
    let mut faults = Vec::new();
    for path in texts::paths(&workspace.root)? {
        faults.extend(list.faults_of_name(&path));
    }
    for text in texts::listed(&workspace.root, &ENDINGS)? {
        faults.extend(list.faults_of(&text));
    }
    Ok(faults)
}

/// A word or phrase, as its words in lower case.
type Phrase = Vec<String>;

#[derive(Default)]
struct List {
    /// Phrases with what to write instead, by their first words.
    instead: BTreeMap<String, Vec<(Phrase, String)>>,
    kept: Vec<Phrase>,
    /// A path, and what is not counted there.
    exceptions: Vec<(String, Phrase)>,
}

impl List {
    fn parse(text: &str) -> Result<Self> {
        let mut list = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(phrase) = line.strip_prefix("keep:") {
                list.kept.push(phrase_of(phrase));
            } else if let Some(exception) = line.strip_prefix("except ") {
                let (path, phrases) = exception.split_once(':').with_context(|| unreadable(line))?;
                let path = path.trim();
                list.exceptions.extend(phrases.split(',').map(|phrase| (path.to_owned(), phrase_of(phrase))));
            } else {
                let (old, instead) = line.split_once("->").with_context(|| unreadable(line))?;
                ensure!(!instead.trim().is_empty(), unreadable(line));
                for phrase in old.split(',').map(phrase_of) {
                    let first = phrase.first().cloned().with_context(|| unreadable(line))?;
                    list.instead.entry(first).or_default().push((phrase, instead.trim().to_owned()));
                }
            }
        }
        Ok(list)
    }

    fn faults_of(&self, text: &Text) -> Vec<String> {
        let found = self.found(&text.path, &text.content);
        found
            .map(|(at, phrase, instead)| {
                let line = text.content.get(..at).unwrap_or_default().lines().count().max(1);
                format!("{}:{line}: `{phrase}`; write: {instead}", text.path)
            })
            .collect()
    }

    fn faults_of_name(&self, path: &str) -> Vec<String> {
        let found = self.found(path, path);
        found.map(|(_, phrase, instead)| format!("{path} is named `{phrase}`; write: {instead}")).collect()
    }

    /// Where the text holds a phrase that is neither kept nor excepted: the place, the phrase, what to write instead.
    fn found<'l>(&'l self, path: &str, text: &str) -> impl Iterator<Item = (usize, String, &'l str)> {
        let words = words(text);
        let excepted: Vec<&Phrase> = self
            .exceptions
            .iter()
            .filter(|(place, _)| path == place || (place.ends_with('/') && path.starts_with(place.as_str())))
            .map(|(_, phrase)| phrase)
            .collect();
        let mut found = Vec::new();
        for (start, word) in words.iter().enumerate() {
            let first = text.get(word.clone()).unwrap_or_default().to_lowercase();
            for (phrase, instead) in self.instead.get(&first).into_iter().flatten() {
                if matches(text, &words, start, phrase)
                    && !excepted.contains(&phrase)
                    && !self.is_kept(text, &words, start..start + phrase.len())
                {
                    found.push((word.end, phrase.join(" "), instead.as_str()));
                }
            }
        }
        found.into_iter()
    }

    /// Whether these words are within a kept phrase.
    fn is_kept(&self, text: &str, words: &[Range<usize>], range: Range<usize>) -> bool {
        self.kept.iter().any(|phrase| {
            let first = range.end.saturating_sub(phrase.len());
            (first..=range.start).any(|start| matches(text, words, start, phrase))
        })
    }
}

fn unreadable(line: &str) -> String {
    format!("{FILE}: this line is none of the three kinds: {line}")
}

fn phrase_of(text: &str) -> Phrase {
    text.split_whitespace().map(str::to_lowercase).collect()
}

/// Whether the phrase begins at this word.
fn matches(text: &str, words: &[Range<usize>], start: usize, phrase: &Phrase) -> bool {
    let Some(found) = words.get(start..start + phrase.len()) else { return false };
    let same = |(range, word): (&Range<usize>, &String)| {
        text.get(range.clone()).is_some_and(|found| found.eq_ignore_ascii_case(word))
    };
    let joined = |pair: &[Range<usize>]| match pair {
        [before, after] => text
            .get(before.end..after.start)
            .is_some_and(|between| between.chars().all(|character| BETWEEN.contains(&character))),
        _ => true,
    };
    found.iter().zip(phrase).all(same) && found.windows(2).all(joined)
}

/// The words of a text: runs of letters, and of those the parts that begin with a capital.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut before = ' ';
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next_is_lower = characters.peek().is_some_and(|(_, next)| next.is_lowercase());
        let begins = character.is_uppercase() && (before.is_lowercase() || next_is_lower);
        if let Some(from) = start
            && (begins || !character.is_alphabetic())
        {
            words.push(from..at);
            start = None;
        }
        if character.is_alphabetic() && start.is_none() {
            start = Some(at);
        }
        before = character;
    }
    words.extend(start.map(|from| from..text.len()));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str =
        "# A list.\nkettle, kettles -> pot\ntea time -> break\nkeep: kettle drum\nexcept old/: kettle\n";

    fn faults(path: &str, content: &str) -> Vec<String> {
        let text = Text { path: path.to_owned(), content: content.to_owned() };
        List::parse(EXAMPLE).unwrap().faults_of(&text)
    }

    #[test]
    fn a_word_is_found_in_prose_and_in_names() {
        for text in [
            "The kettle.",
            "Kettles",
            "fn boil_kettle()",
            "TeaKettle",
            "XMLKettle",
            "a-kettle-2",
            "KETTLE_MAX",
        ] {
            assert_eq!(faults("a.rs", text).len(), 1, "{text}");
        }
        assert_eq!(faults("a.rs", "one\ntwo kettle\n"), ["a.rs:2: `kettle`; write: pot"]);
    }

    #[test]
    fn a_part_of_a_word_is_not_that_word() {
        assert!(faults("a.rs", "kettledrum, skettle, Kettled").is_empty());
    }

    #[test]
    fn a_phrase_is_found_however_it_is_joined() {
        for text in ["at tea time", "tea_time", "TeaTime", "tea-time", "/// at tea\n/// time"] {
            assert_eq!(faults("a.rs", text).len(), 1, "{text}");
        }
        assert!(faults("a.rs", "tea.time(), tea (time)").is_empty());
    }

    #[test]
    fn a_kept_phrase_is_no_fault() {
        assert!(faults("a.rs", "a kettle drum").is_empty());
        assert_eq!(faults("a.rs", "a kettle drum and a kettle").len(), 1);
    }

    #[test]
    fn an_exception_holds_for_its_place_and_its_word_alone() {
        assert!(faults("old/a.rs", "kettle").is_empty());
        assert_eq!(faults("old/a.rs", "kettles").len(), 1);
        assert_eq!(faults("older/a.rs", "kettle").len(), 1);
    }

    #[test]
    fn a_files_name_is_read_too() {
        let list = List::parse(EXAMPLE).unwrap();
        assert_eq!(list.faults_of_name("src/kettle.rs"), ["src/kettle.rs is named `kettle`; write: pot"]);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_an_error() {
        assert!(List::parse("kettle").is_err());
        assert!(List::parse("kettle ->").is_err());
        assert!(List::parse("except old/").is_err());
    }

    #[test]
    fn the_list_can_be_read() {
        assert!(List::parse(LIST).is_ok_and(|list| !list.instead.is_empty()));
    }
}
