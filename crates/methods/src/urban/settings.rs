//! Settings of a run from JSON, read by hand: what a page does with every link. serde reads enums that are told by a field through a buffer of everything, which would weigh a page
//! 60 kB more; a test holds both readings equal.

use serde_json::{Map, Value};

use super::calliper::Config;
use super::encoding::{Convention, Encoding, Scales};
use super::network::Architecture;
use super::town::{Given, Source};

type Fields = Map<String, Value>;

impl Config {
    /// Settings of which those that are missing are `base`'s; `None` where one is of another kind than it should be. Ranges are checked by who runs them.
    pub fn from_json(all: &Fields, base: &Self) -> Option<Self> {
        let part = |key: &str| all.get(key).map(Value::as_object);
        Some(Self {
            city: part("city").map_or(Some(base.city.clone()), |c| source(c?))?,
            encoding: part("encoding").map_or(Some(base.encoding), |e| encoding(e?))?,
            architecture: part("architecture").map_or(Some(base.architecture), |a| architecture(a?))?,
            width: size(all, "width", base.width)?,
            batch: size(all, "batch", base.batch)?,
            epochs: size(all, "epochs", base.epochs as usize)?.try_into().ok()?,
            rate: number(all, "rate", base.rate)?,
            decay: number(all, "decay", base.decay)?,
            validation: number(all, "validation", base.validation)?,
            normalise_text: all.get("normalise_text").map_or(Some(base.normalise_text), Value::as_bool)?,
            look_every: size(all, "look_every", base.look_every as usize)?.try_into().ok()?,
            seeds: size(all, "seeds", base.seeds)?,
            neighbours: size(all, "neighbours", base.neighbours)?,
            supervised_steps: size(all, "supervised_steps", base.supervised_steps as usize)?.try_into().ok()?,
            steps: match all.get("steps") {
                None => base.steps,
                Some(Value::Null) => None,
                Some(n) => Some(n.as_u64()?.try_into().ok()?),
            },
            resume: text(all, "resume", &base.resume)?,
        })
    }
}

fn number(all: &Fields, key: &str, base: f64) -> Option<f64> {
    all.get(key).map_or(Some(base), Value::as_f64)
}

fn size(all: &Fields, key: &str, base: usize) -> Option<usize> {
    all.get(key).map_or(Some(base), |n| usize::try_from(n.as_u64()?).ok())
}

fn text(all: &Fields, key: &str, base: &str) -> Option<String> {
    all.get(key).map_or(Some(base), Value::as_str).map(str::to_owned)
}

fn kind(all: &Fields) -> Option<&str> {
    all.get("kind")?.as_str()
}

fn source(all: &Fields) -> Option<Source> {
    let of = |key| text(all, key, "");
    match kind(all)? {
        "made" => Some(Source::Made { seed: all.get("seed")?.as_u64()?, points: all.get("points")?.as_u64()?.try_into().ok()?, sentences: of("sentences")? }),
        "file" => {
            let shares = all.get("shares").map_or(Some(Vec::new()), |list| list.as_array()?.iter().map(|c| Some(c.as_str()?.to_owned())).collect())?;
            Some(Source::File(Given { name: of("name")?, x: of("x")?, y: of("y")?, text: of("text")?, labels: of("labels")?, label: of("label")?, regions: of("regions")?, shares, sentences: of("sentences")? }))
        }
        _ => None,
    }
}

fn encoding(all: &Fields) -> Option<Encoding> {
    let scales = || Some(Scales { min: all.get("min")?.as_f64()?, max: all.get("max")?.as_f64()?, count: usize::try_from(all.get("count")?.as_u64()?).ok()? });
    let degrees = || usize::try_from(all.get("degrees")?.as_u64()?).ok();
    Some(match kind(all)? {
        "grid" => Encoding::Grid(scales()?),
        "theory" => Encoding::Theory(scales()?),
        "sphere_c" => Encoding::SphereC(scales()?),
        "sphere_c_plus" => Encoding::SphereCPlus(scales()?),
        "sphere_m" => Encoding::SphereM(scales()?),
        "sphere_m_plus" => Encoding::SphereMPlus(scales()?),
        "direct" => Encoding::Direct,
        "wrap" => Encoding::Wrap,
        "cartesian3d" => Encoding::Cartesian3d,
        "spherical_harmonics" => {
            let convention = match all.get("convention")?.as_str()? {
                "legacy" => Convention::Legacy,
                "orthonormal" => Convention::Orthonormal,
                "signed" => Convention::Signed,
                _ => return None,
            };
            Encoding::SphericalHarmonics { degrees: degrees()?, convention }
        }
        "discretized_harmonics" => Encoding::DiscretizedHarmonics { degrees: degrees()? },
        _ => return None,
    })
}

fn architecture(all: &Fields) -> Option<Architecture> {
    let of = |key: &str| all.get(key)?.as_f64();
    let whole = |key: &str| usize::try_from(all.get(key)?.as_u64()?).ok();
    Some(match kind(all)? {
        "fc_net" => Architecture::FcNet { hidden: whole("hidden")?, dropout: of("dropout")? },
        "siren" => Architecture::Siren { hidden: whole("hidden")?, layers: whole("layers")?, first: of("first")?, later: of("later")?, dropout: of("dropout")? },
        "linear" => Architecture::Linear,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Config> {
        let scales = Scales { min: 12.5, max: 900.0, count: 7 };
        let encodings = [
            Encoding::Grid(scales),
            Encoding::Theory(scales),
            Encoding::SphereC(scales),
            Encoding::SphereCPlus(scales),
            Encoding::SphereM(scales),
            Encoding::SphereMPlus(scales),
            Encoding::Direct,
            Encoding::Wrap,
            Encoding::Cartesian3d,
            Encoding::SphericalHarmonics { degrees: 5, convention: Convention::Legacy },
            Encoding::SphericalHarmonics { degrees: 6, convention: Convention::Orthonormal },
            Encoding::SphericalHarmonics { degrees: 7, convention: Convention::Signed },
            Encoding::DiscretizedHarmonics { degrees: 8 },
        ];
        let mut out: Vec<Config> = encodings.into_iter().map(|encoding| Config { encoding, ..Config::small() }).collect();
        for architecture in [Architecture::Linear, Architecture::Siren { hidden: 9, layers: 2, first: 30.0, later: 1.5, dropout: 0.1 }] {
            out.push(Config { architecture, ..Config::default() });
        }
        let text = |t: &str| t.to_owned();
        let given = Given { name: text("a"), x: text("b"), y: text("c"), text: text("d"), labels: text("e"), label: text("f"), regions: text("g"), shares: vec![text("h"), text("i")], sentences: text("j") };
        let numbers = Config { width: 3, batch: 4, epochs: 5, rate: 0.6, decay: 0.7, validation: 0.8, normalise_text: true, look_every: 9, seeds: 1, neighbours: 2, supervised_steps: 11, steps: Some(12), resume: text("k"), ..Config::default() };
        out.push(Config { city: Source::File(given), ..numbers.clone() });
        out.push(Config { city: Source::Made { seed: u64::MAX, points: 100, sentences: text("l") }, ..numbers });
        out
    }

    #[test]
    fn the_reading_by_hand_is_serdes() {
        for config in all() {
            let Ok(Value::Object(json)) = serde_json::to_value(&config) else { panic!("an object") };
            assert_eq!(serde_json::from_value::<Config>(json.clone().into()).ok().as_ref(), Some(&config));
            for base in [Config::small(), Config::default(), all().swap_remove(15)] {
                assert_eq!(Config::from_json(&json, &base), Some(config.clone()));
            }
            // Any field may be missing, and none may be of another kind.
            for key in json.keys() {
                let mut part = json.clone();
                part.remove(key);
                let Ok(Value::Object(base)) = serde_json::to_value(Config::small()) else { panic!("an object") };
                let mut expected = json.clone();
                expected.insert(key.clone(), base[key].clone());
                assert_eq!(Config::from_json(&part, &Config::small()), serde_json::from_value(expected.into()).ok(), "{key}");
                part.insert(key.clone(), serde_json::json!([1]));
                assert_eq!(Config::from_json(&part, &Config::small()), None, "{key}");
            }
        }
        assert_eq!(Config::from_json(&Map::new(), &Config::small()), Some(Config::small()));
    }
}
