//! Every method: one line each.

use crate::method::Entry;

/// The registry. A new method is its file and a line here.
pub static METHODS: &[Entry] = &[
    crate::spectra::ENTRY,
    crate::welore::ENTRY,
    crate::magnitude::profile_method::ENTRY,
    crate::magnitude::ENTRY,
    crate::prune::WANDA_ENTRY,
    crate::prune::SPARSEGPT_ENTRY,
    crate::prune::OWL_ENTRY,
    crate::prune::outliers::ENTRY,
    crate::sensitivity::ENTRY,
    crate::study::ENTRY,
    crate::rules::ENTRY,
    crate::rescaling::ENTRY,
    crate::perplexity::ENTRY,
    crate::generate::ENTRY,
    crate::closeup::ENTRY,
    crate::experts::ENTRY,
    crate::experts::THIN_ENTRY,
    crate::condense::ENTRY,
    crate::urban::sentences::ENTRY,
    crate::urban::places::ENTRY,
    crate::urban::calliper::ENTRY,
];

/// Those that need nothing but the weights: a face with little room for code has these alone.
pub static DATA_FREE: &[Entry] = &[crate::spectra::ENTRY, crate::welore::ENTRY, crate::magnitude::profile_method::ENTRY, crate::magnitude::ENTRY];

/// [`METHODS`], for other crates. What is seen through is compiled once more by each crate that looks: an entry's methods among it.
#[inline(never)]
pub fn all() -> &'static [Entry] {
    METHODS
}

/// [`DATA_FREE`], likewise.
#[inline(never)]
pub fn data_free() -> &'static [Entry] {
    DATA_FREE
}

/// Keys of [`DATA_FREE`], for a face that must not carry the methods themselves.
const DATA_FREE_IDS: [&str; 4] = ["spectra", "welore", "profile", "magnitude"];

/// Whether a method needs nothing but the weights.
pub fn is_data_free(id: &str) -> bool {
    DATA_FREE_IDS.contains(&id)
}

/// Methods that need no checkpoint: they are run over nothing where nothing is open.
pub static WITHOUT_CHECKPOINT: &[&str] = &[crate::urban::places::CARD_ID, crate::urban::calliper::CARD_ID];

/// The method with this key.
pub fn find(id: &str) -> Option<&'static Entry> {
    METHODS.iter().find(|e| e.card.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::{MethodError, Range};
    use std::collections::HashSet;

    #[test]
    fn keys_are_unique_and_cards_are_whole() {
        let ids: HashSet<_> = METHODS.iter().map(|e| e.card.id).collect();
        assert_eq!(ids.len(), METHODS.len());
        for e in METHODS {
            let c = e.card;
            assert!(!c.title.is_empty() && !c.authors.is_empty() && !c.paragraph.is_empty() && !c.needs.is_empty(), "{}", c.id);
            assert!(c.link.starts_with("https://") && (1950..2100).contains(&c.year), "{}", c.id);
            for k in c.knobs {
                assert!(!k.label.is_empty() && k.help.ends_with('.'), "{} {}", c.id, k.key);
                let paper: serde_json::Value = serde_json::from_str(k.paper).expect("the paper's value is JSON");
                match (&k.range, &paper) {
                    (Range::Number { min, max, .. }, v) => assert!((min..=max).contains(&&v.as_f64().expect("a number")), "{} {}", c.id, k.key),
                    (Range::Switch, v) => assert!(v.is_boolean(), "{} {}", c.id, k.key),
                    (Range::Choice(all), v) => assert!(all.contains(&v.as_str().expect("a word")), "{} {}", c.id, k.key),
                    (Range::Elsewhere, _) => {}
                }
            }
        }
    }

    #[test]
    fn data_free_methods_are_some_of_all_and_known_by_their_keys() {
        let ids: Vec<_> = DATA_FREE.iter().map(|e| e.card.id).collect();
        assert_eq!(ids, DATA_FREE_IDS);
        assert!(ids.iter().all(|id| find(id).is_some()) && ids.len() < METHODS.len());
        assert!(METHODS.iter().all(|e| is_data_free(e.card.id) == ids.contains(&e.card.id)));
    }

    #[test]
    fn knobs_are_the_fields_of_the_configurations_with_the_papers_values() {
        fn check<C: Default + serde::Serialize + serde::de::DeserializeOwned>(card: &crate::Card) {
            let fields = serde_json::to_value(C::default()).expect("plain data");
            let fields = fields.as_object().expect("fields");
            assert_eq!(fields.keys().map(String::as_str).collect::<HashSet<_>>(), card.knobs.iter().map(|k| k.key).collect(), "{}", card.id);
            for k in card.knobs {
                assert_eq!(fields[k.key], serde_json::from_str::<serde_json::Value>(k.paper).expect("JSON"), "{} {}", card.id, k.key);
            }
            assert!(matches!(crate::config::decode::<C>(card, serde_json::json!({ "no_such": 1 })), Err(MethodError::Config { key, .. }) if key == "no_such"));
        }
        check::<crate::spectra::Config>(&crate::spectra::CARD);
        check::<crate::welore::Config>(&crate::welore::CARD);
        check::<crate::magnitude::Config>(&crate::magnitude::CARD);
        check::<crate::magnitude::profile_method::Config>(&crate::magnitude::profile_method::CARD);
        check::<crate::prune::Config<crate::prune::Wanda>>(&crate::prune::WANDA);
        check::<crate::prune::Config<crate::prune::SparseGpt>>(&crate::prune::SPARSEGPT);
        check::<crate::prune::Config<crate::prune::Owl>>(&crate::prune::OWL);
        check::<crate::prune::outliers::Config>(&crate::prune::outliers::CARD);
        check::<crate::rescaling::Config>(&crate::rescaling::CARD);
        check::<crate::study::Config>(&crate::study::CARD);
        check::<crate::rules::Config>(&crate::rules::CARD);
        check::<crate::sensitivity::Config>(&crate::sensitivity::CARD);
        check::<crate::perplexity::Config>(&crate::perplexity::CARD);
        check::<crate::generate::Config>(&crate::generate::CARD);
        check::<crate::closeup::Config>(&crate::closeup::CARD);
        check::<crate::experts::Config>(&crate::experts::CARD);
        check::<crate::experts::ThinConfig>(&crate::experts::THIN_CARD);
        check::<crate::condense::Config>(&crate::condense::CARD);
        check::<crate::urban::sentences::Config>(&crate::urban::sentences::CARD);
        check::<crate::urban::places::Config>(&crate::urban::places::CARD);
        check::<crate::urban::calliper::Config>(&crate::urban::calliper::CARD);
    }
}
