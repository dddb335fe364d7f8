//! Counts words.

use std::collections::BTreeMap;

/// How often each word occurs, the most frequent first; words of equal count are in order.
pub fn tally(text: &str) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        if !word.is_empty() {
            *counts.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sorted
}

#[cfg(test)]
mod tests {
    use super::tally;

    #[test]
    fn nothing_has_no_words() {
        assert!(tally(" ...\n").is_empty());
    }

    #[test]
    fn case_does_not_matter() {
        assert_eq!(tally("The the THE"), [("the".to_string(), 3)]);
    }

    #[test]
    fn frequent_words_come_first() {
        let words: Vec<_> = tally("b a, c: a c a").into_iter().map(|(word, _)| word).collect();
        assert_eq!(words, ["a", "c", "b"]);
    }
}
