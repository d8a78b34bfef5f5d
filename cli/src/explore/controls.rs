//! The controls of a scenario: from its own keys, with the ranges of the schema as far as a hand explores them.

use crate::scenario::room_of;
use indexmap::IndexMap;
use modalflow::data::Sampling;
use modalflow::experiment::Scenario;
use modalflow::network::Activation;
use serde::Serialize;
use serde_json::{Value as Json, json};

/// Changes to a scenario: values by dotted path, null to remove a key.
pub type Changes = IndexMap<String, Json>;

/// What a hand can change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Control {
    /// Dotted path of the key.
    pub key: String,
    /// What it is called.
    pub label: String,
    /// What the key is, by the schema.
    pub help: String,
    /// Under which heading it stands.
    pub group: &'static str,
    /// What is changed, and how.
    #[serde(flatten)]
    pub form: Form,
}

/// What a control changes, and how.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "form", rename_all = "lowercase")]
pub enum Form {
    /// A number.
    Number {
        /// Its value, or what stands for it where it is switched off.
        value: f64,
        /// The least value of the slider.
        least: f64,
        /// The greatest.
        most: f64,
        /// Whether equal lengths of the slider are equal ratios.
        log: bool,
        /// Whether it is a whole number.
        whole: bool,
        /// The key that switches it off when it is removed, and whether it is on; None where it is always on.
        switch: Option<(String, bool)>,
        /// A key whose value cannot be greater than this one.
        caps: Option<&'static str>,
        /// What else is changed with it, where the scenario would be none otherwise.
        also: Changes,
    },
    /// One of some words.
    Choice {
        /// The word that is chosen.
        value: String,
        /// Each word with what it changes.
        options: Vec<(String, Changes)>,
    },
}

/// A slider for a key, where a scenario has it.
struct Template {
    /// Dotted path; `*` stands for the name of each modality.
    key: &'static str,
    label: &'static str,
    group: &'static str,
    /// As far as a hand explores; the range of the schema cuts it, the value at hand widens it.
    span: (f64, f64),
    scale: Scale,
    absent: Absent,
}

#[derive(Clone, Copy, PartialEq)]
enum Scale {
    Linear,
    Log,
    Whole,
    WholeLog,
}

/// What a key that is not there means.
#[derive(Clone, Copy)]
enum Absent {
    /// The scenario has another one in its place, or none.
    Hidden,
    /// This value.
    Usual(f64),
    /// That this section is off; the number is where it starts.
    Off(&'static str, f64),
}

use Absent::{Hidden, Off, Usual};
use Scale::{Linear, Log, Whole, WholeLog};

const fn slider(
    key: &'static str,
    label: &'static str,
    group: &'static str,
    span: (f64, f64),
    scale: Scale,
    absent: Absent,
) -> Template {
    Template {
        key,
        label,
        group,
        span,
        scale,
        absent,
    }
}

const DATA: &str = "Data";
const NETWORK: &str = "Network";
const START: &str = "Start";
const REMEDY: &str = "Remedies";
const RUN: &str = "Run";

#[rustfmt::skip]
const SLIDERS: &[Template] = &[
    slider("data.toy.rho", "correlation ρ", DATA, (-0.99, 0.99), Linear, Hidden),
    slider("data.toy.sigma.*", "σ of *", DATA, (0.1, 10.0), Log, Hidden),
    slider("data.toy.target.*", "target of *", DATA, (-5.0, 5.0), Linear, Hidden),
    slider("data.toy.noise", "noise", DATA, (0.0, 3.0), Linear, Hidden),
    slider("data.toy.samples", "samples", DATA, (10.0, 1e4), WholeLog, Hidden),
    slider("data.isotropic.variance.*", "variance of *", DATA, (0.1, 10.0), Log, Hidden),
    slider("data.isotropic.weight.*", "weight of *", DATA, (-5.0, 5.0), Linear, Hidden),
    slider("data.wishart.scale.*", "scale of *", DATA, (0.1, 10.0), Log, Hidden),
    slider("data.additive.*.size", "size of *", DATA, (0.1, 10.0), Log, Hidden),
    slider("data.additive.*.linear", "linear share of *", DATA, (0.0, 1.0), Linear, Hidden),
    slider("data.additive.product", "product", DATA, (-5.0, 5.0), Linear, Hidden),
    slider("data.additive.rho", "correlation ρ", DATA, (-0.99, 0.99), Linear, Hidden),
    slider("data.additive.samples", "samples", DATA, (10.0, 1e4), WholeLog, Hidden),
    slider("data.xor.sigma", "σ of A", DATA, (0.1, 10.0), Log, Hidden),
    slider("network.depth", "depth", NETWORK, (1.0, 6.0), Whole, Hidden),
    slider("network.fusion_layer", "fusion layer", NETWORK, (1.0, 8.0), Whole, Hidden),
    slider("network.private_layers.*", "layers of *", NETWORK, (1.0, 8.0), Whole, Hidden),
    slider("network.shared_layers", "shared layers", NETWORK, (0.0, 8.0), Whole, Hidden),
    slider("network.width", "width", NETWORK, (1.0, 300.0), WholeLog, Hidden),
    slider("network.activation.leaky_relu", "slope below 0", NETWORK, (0.0, 1.0), Linear, Hidden),
    slider("init.gaussian.std", "initial std", START, (1e-9, 1.0), Log, Hidden),
    slider("init.gaussian_norm.norm", "initial norm", START, (1e-4, 2.0), Log, Hidden),
    slider("init.aligned.norm", "initial norm", START, (1e-4, 2.0), Log, Hidden),
    slider("init.lambda_balanced.norm", "initial norm", START, (1e-4, 2.0), Log, Hidden),
    slider("init.lambda_balanced.lambda.*", "λ of *", START, (-3.0, 3.0), Linear, Hidden),
    slider("seed", "seed", START, (0.0, 100.0), Whole, Hidden),
    slider("remedy.rate.*", "rate factor of *", REMEDY, (0.1, 10.0), Log, Usual(1.0)),
    slider("remedy.auxiliary.*", "own loss of *", REMEDY, (0.0, 10.0), Linear, Usual(0.0)),
    slider("remedy.keep.*", "keep * with p", REMEDY, (0.05, 1.0), Linear, Usual(1.0)),
    slider("remedy.modulate.alpha", "modulate, α", REMEDY, (0.0, 2.0), Linear, Off("remedy.modulate", 0.3)),
    slider("flow.weight_decay", "weight decay", REMEDY, (0.0, 1.0), Linear, Usual(0.0)),
    slider("flow.until.time", "until the time", RUN, (0.1, 1e4), Log, Hidden),
    slider("descent.learning_rate", "descent, η", RUN, (1e-4, 1.0), Log, Off("descent", 0.02)),
];

/// The controls of a scenario, in the order in which they stand.
pub fn controls(scenario: &Scenario) -> Vec<Control> {
    // Plain data always serialises.
    let values = serde_json::to_value(scenario).unwrap_or_default();
    let modalities = scenario.data.get().about().modalities;
    let mut controls = Vec::new();
    for template in SLIDERS {
        let each = match template.key.contains('*') {
            false => &[""][..],
            true => &modalities,
        };
        let made = each
            .iter()
            .filter_map(|name| template.control(name, &values));
        controls.extend(made.filter(|control| fits(&control.key, scenario, &values)));
    }
    let choices = [activation(scenario, &values), scheme(&values)];
    for choice in choices.into_iter().flatten() {
        let place = controls
            .iter()
            .position(|other| other.group == choice.group);
        controls.insert(place.unwrap_or(controls.len()), choice);
    }
    controls
}

impl Template {
    /// The control of a modality, where the scenario has the key.
    fn control(&self, modality: &str, values: &Json) -> Option<Control> {
        let key = self.key.replace('*', modality);
        let room = room_of(&key)?;
        let there = at(values, &key);
        // Of several learning rates the first.
        let there = there.and_then(|there| there.as_f64().or_else(|| there[0].as_f64()));
        let (value, switch) = match (there, self.absent) {
            (Some(value), Off(section, _)) => (value, Some((section.to_owned(), true))),
            (None, Off(section, start)) => (start, Some((section.to_owned(), false))),
            (Some(value), _) => (value, None),
            (None, Usual(value)) => (value, None),
            (None, Hidden) => return None,
        };
        let mut also = Changes::new();
        // Weights that decay may never come to what else ends a run.
        if self.key == "flow.weight_decay" && at(values, "flow.until.time").is_none() {
            also.insert("flow.until.time".to_owned(), json!(1000.0));
        }
        let mut most = self.span.1.min(room.most.unwrap_or(f64::INFINITY));
        if self.key == "network.fusion_layer" {
            most = at(values, "network.depth")
                .and_then(Json::as_f64)
                .unwrap_or(most);
        }
        let least = self.span.0.max(room.least.unwrap_or(f64::NEG_INFINITY));
        let form = Form::Number {
            value,
            least: least.min(value),
            most: most.max(value),
            log: matches!(self.scale, Log | WholeLog) && least.min(value) > 0.0,
            whole: matches!(self.scale, Whole | WholeLog),
            switch,
            caps: (self.key == "network.depth").then_some("network.fusion_layer"),
            also,
        };
        Some(Control {
            label: self.label.replace('*', modality),
            help: room.meaning,
            group: self.group,
            form,
            key,
        })
    }
}

/// Whether a key can be of use: one that the scenario does not have, and that its network or another remedy excludes, is left out.
fn fits(key: &str, scenario: &Scenario, values: &Json) -> bool {
    let has = |key: &str| at(values, key).is_some_and(|value| *value != 0.0);
    let modalities = scenario.data.get().about().modalities;
    let layout = scenario.network.layout(&modalities);
    let is_late = layout.is_ok_and(|layout| layout.shared == 0) && !scenario.network.biases;
    let section: Vec<_> = key.split('.').take(2).collect();
    match &section[..] {
        ["remedy" | "flow", _] if has(&section.join(".")) => true,
        ["remedy", "auxiliary"] => is_late && !has("remedy.modulate"),
        ["remedy", "keep"] | ["flow", "weight_decay"] => !has("remedy.modulate"),
        ["remedy", "modulate"] => {
            let others = ["remedy.auxiliary", "remedy.keep", "flow.weight_decay"];
            is_late && modalities.len() == 2 && !others.into_iter().any(has)
        }
        _ if key == "data.additive.rho" => {
            let bits = ["A", "B"].map(|name| format!("data.additive.{name}.bits"));
            !bits.iter().any(|bits| has(bits))
        }
        _ => true,
    }
}

/// The value at a dotted path.
fn at<'v>(values: &'v Json, key: &str) -> Option<&'v Json> {
    key.split('.')
        .try_fold(values, |value, step| value.get(step))
}

fn choice(key: &str, label: &str, group: &'static str, form: Form) -> Control {
    Control {
        key: key.to_owned(),
        label: label.to_owned(),
        help: room_of(key).map_or(String::new(), |room| room.meaning),
        group,
        form,
    }
}

/// The units, where there are samples: without them only linear ones can be.
fn activation(scenario: &Scenario, values: &Json) -> Option<Control> {
    if scenario.data.get().about().sampling == Sampling::Population {
        return None;
    }
    const KEY: &str = "network.activation";
    let leaky = Activation::LeakyRelu(0.1).name();
    let value = at(values, KEY).unwrap_or(&Json::Null);
    let change = |word: String| {
        let change = Changes::from([(KEY.to_owned(), json!(word))]);
        (word, change)
    };
    let mut options: Vec<_> = room_of(KEY)?.words.into_iter().map(change).collect();
    let slope = value.get(leaky).cloned().unwrap_or(json!(0.1));
    let change = Changes::from([(KEY.to_owned(), json!({ leaky: slope }))]);
    options.push((leaky.to_owned(), change));
    let form = Form::Choice {
        value: scenario.network.activation.name().to_owned(),
        options,
    };
    Some(choice(KEY, "activation", NETWORK, form))
}

/// The scheme of the initial weights, with the norm at hand where both schemes have one.
fn scheme(values: &Json) -> Option<Control> {
    const SCHEMES: [(&str, &str, f64); 3] = [
        ("gaussian", "std", 1e-3),
        ("gaussian_norm", "norm", 0.1),
        ("aligned", "norm", 0.1),
    ];
    let init = at(values, "init")?.as_object()?;
    let (own, content) = init.iter().find(|(key, _)| *key != "scale")?;
    let change = |(name, number, usual): (&str, &str, f64)| {
        let value = content.get(number).cloned().unwrap_or(json!(usual));
        let changes = [
            (format!("init.{own}"), Json::Null),
            (format!("init.{name}"), json!({ number: value })),
        ];
        let is_own = name == own;
        let changes = changes.into_iter().filter(|_| !is_own).collect();
        (name.to_owned(), changes)
    };
    let mut options: Vec<_> = SCHEMES.into_iter().map(change).collect();
    if options.iter().all(|(name, _)| name != own) {
        options.push((own.clone(), Changes::new()));
    }
    let form = Form::Choice {
        value: own.clone(),
        options,
    };
    Some(choice("init", "initial weights", START, form))
}
