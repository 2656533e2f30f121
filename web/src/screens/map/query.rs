//! Questions to the map: a clicked place, or words.

use espalier_methods::urban::similar::{cosines, direction, embedded, largest};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::say::short;
use crate::app::town::TownState;
use crate::plot::number::fixed;

/// What was asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Question {
    /// What is like this point?
    Place(usize),
    /// What is like these words?
    Words(String),
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    /// Where the question lies in the embedding.
    pub direction: Vec<f32>,
    /// The most similar points, with their cosine.
    pub hits: Vec<(usize, f32)>,
    /// The question in words.
    pub asked: String,
}

/// Results that are listed.
const HITS: usize = 5;

impl Question {
    /// From its words in a link.
    pub fn read(text: &str) -> Option<Self> {
        match text.split_at_checked(1)? {
            ("p", i) => i.parse().ok().map(Self::Place),
            ("w", words) => Some(Self::Words(words.into())),
            _ => None,
        }
    }

    /// Its words.
    pub fn write(&self) -> String {
        match self {
            Self::Place(i) => format!("p{i}"),
            Self::Words(words) => format!("w{words}"),
        }
    }

    /// Asks what was seen last; `None` before anything was.
    pub fn answer(&self, town: &TownState) -> Option<Answer> {
        let (seen, picture) = (town.seen.as_ref()?, town.picture.as_ref()?);
        let (direction, asked) = match self {
            Self::Place(i) => {
                let row = seen.rows.get(i * seen.width..(i + 1) * seen.width)?;
                let text = picture.texts.get(*picture.text_of.get(*i)? as usize)?;
                (row.to_vec(), format!("this place ({})", short(text)))
            }
            Self::Words(words) => {
                let own = town.words.as_ref().filter(|w| w.0 == *words).map(|w| (w.1.clone(), None));
                let (row, like) = match own {
                    Some(own) => own,
                    None => embedded(picture, words)?,
                };
                let asked = match like.filter(|l| l != words) {
                    Some(like) => format!("“{}”, the description spelt most like “{words}”", short(like)),
                    None => format!("“{words}”"),
                };
                (direction(&row, &seen.projection, seen.width)?, asked)
            }
        };
        let similar = cosines(&seen.rows, &direction);
        // Points at one place are one result.
        let mut hits: Vec<(usize, f32)> = Vec::new();
        for i in largest(&similar, 40 * HITS) {
            let place = |i: usize| picture.points.get(2 * i..2 * i + 2);
            if hits.len() < HITS && hits.iter().all(|(j, _)| place(*j) != place(i as usize)) {
                hits.push((i as usize, similar[i as usize]));
            }
        }
        Some(Answer { direction, hits, asked })
    }
}

/// Properties of [`Asking`].
#[derive(Properties, PartialEq)]
pub(super) struct AskingProps {
    /// Something has been learnt that can be asked.
    pub ready: bool,
    /// Asks.
    pub ask: Callback<String>,
}

/// The field for words.
#[component]
pub(super) fn Asking(props: &AskingProps) -> Html {
    let field = use_node_ref();
    let onsubmit = {
        let (field, ask) = (field.clone(), props.ask.clone());
        Callback::from(move |e: SubmitEvent| {
            e.prevent_default();
            let words = field.cast::<HtmlInputElement>().map_or_else(String::new, |f| f.value());
            if !words.trim().is_empty() {
                ask.emit(words.trim().into());
            }
        })
    };
    html! {
        <form class="qbox" {onsubmit}>
            <input ref={field} class="in" type="text" aria-label="Ask in words" placeholder="A place of primary schools" disabled={!props.ready} data-test="map-words" />
            <button type="submit" class="btn" disabled={!props.ready} data-test="map-ask">{ "Ask" }</button>
        </form>
    }
}

/// What was found.
pub(super) fn hits(town: &TownState, answer: Option<&Answer>) -> Html {
    let Some(picture) = &town.picture else { return Html::default() };
    let Some(answer) = answer else {
        let words = if town.seen.is_some() { "Click a place to find its like, or ask in words." } else { "Press play: once there is an embedding, places and words can be asked for their like." };
        return html! { <p class="d hint" data-test="map-hint">{ words }</p> };
    };
    let row = |(k, (i, cosine)): (usize, &(usize, f32))| {
        let text = picture.text_of.get(*i).and_then(|t| picture.texts.get(*t as usize)).map_or_else(String::new, |t| short(t));
        let at = [0, 1].map(|axis| f64::from(picture.points.get(2 * i + axis).copied().unwrap_or(f32::NAN)) + picture.origin[axis]);
        let title = format!("E {} m, N {} m", fixed(at[0], 0), fixed(at[1], 0));
        let width = format!("{:.1}", 44.0 * f64::from(cosine.clamp(0.0, 1.0)));
        html! {
            <tr {title}>
                <td>{ k + 1 }</td><td class="what">{ text }</td>
                <td class="n"><svg width="44" height="5" aria-hidden="true"><rect width="44" height="5" fill="var(--well)" /><rect {width} height="5" fill="var(--leaf)" /></svg>{ format!("{cosine:.3}") }</td>
            </tr>
        }
    };
    html! {
        <>
        <p class="d">{ format!("most like {}, by cosine", answer.asked) }</p>
        <table class="hits" data-test="map-hits"><tbody>{ for answer.hits.iter().enumerate().map(row) }</tbody></table>
        </>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::town::Seen;
    use espalier_methods::urban::picture::CityPicture;
    use std::rc::Rc;

    #[test]
    fn a_place_finds_its_like_and_points_at_one_place_are_one() {
        let picture = CityPicture { points: vec![0.0, 0.0, 5.0, 5.0, 5.0, 5.0, 9.0, 9.0].into(), texts: vec!["A place of cafés, a type of x".into()], text_of: vec![0; 4].into(), ..CityPicture::default() };
        let seen = Seen { width: 2, rows: vec![1.0, 0.0, 0.8, 0.6, 0.8, 0.6, 0.0, 1.0], plane: vec![0.0; 8], ..Seen::default() };
        let town = TownState { picture: Some(Rc::new(picture)), seen: Some(Rc::new(seen)), ..TownState::default() };
        let found = Question::Place(0).answer(&town).expect("an answer");
        assert_eq!(found.hits.iter().map(|h| h.0).collect::<Vec<_>>(), [0, 1, 3]);
        assert!((found.hits[0].1 - 1.0).abs() < 1e-6 && found.asked.contains("cafés"));
        assert_eq!(Question::Place(9).answer(&town), None);
        for q in [Question::Place(12), Question::Words("pubs é".into())] {
            assert_eq!(Question::read(&q.write()), Some(q));
        }
        assert!(Question::read("").is_none() && Question::read("px").is_none() && Question::read("é").is_none());
        // No projection of that width yet.
        assert_eq!(Question::Words("x".into()).answer(&town), None);
    }
}
