//! The verdict in three points: who is learned first and why, whether it matters, and what to do.

use super::advice::advice;
use super::by_samples;
use crate::report::format::{fraction, number_to};
use modalflow::diagnosis::{
    AGREE, Diagnosis, Draws, LayerPhase, LayerResult, ModalityReading, Spread, Stopping,
    are_together,
};
use modalflow::error::listed;

/// A smaller part of the outputs' power is nothing.
const NOTHING: f64 = 0.005;

/// The points; `seed` is that of the run.
pub(super) fn sentences(diagnosis: &Diagnosis, seed: u64) -> Vec<String> {
    if let Some(floor) = diagnosis
        .noise_floor
        .as_ref()
        .filter(|floor| floor.is_all_noise)
    {
        let rows = diagnosis.rows.map_or(0, |rows| rows.used);
        return vec![
            format!(
                "There is nothing here: on {rows} rows these inputs tell no more of the targets than they do of permuted \
                 targets (p = {}).",
                number_to(2, floor.p_value)
            ),
            format!(
                "{} grows fastest from small weights, but that is the order of noise.",
                diagnosis.first.name
            ),
            "Which fusion layer is best, and what would change it, is not told; more rows or other inputs might show \
             something."
                .to_owned(),
        ];
    }
    let rows = unsure(diagnosis).into_iter();
    rows.chain([who(diagnosis), matters(diagnosis, seed), advice(diagnosis)])
        .chain(by_samples::sentence(diagnosis))
        .collect()
}

/// Where there are rows, and too few.
fn unsure(diagnosis: &Diagnosis) -> Option<String> {
    let rows = diagnosis.rows?.used;
    let reason = diagnosis.first.reason.as_ref()?;
    Some(format!(
        "Nothing of this is sure on {rows} rows: {reason}, so that chance alone could be all of it."
    ))
}

fn sure(confidence: Option<f64>) -> String {
    confidence.map_or(String::new(), |confidence| {
        format!(" (confidence {})", percent(confidence))
    })
}

/// A confidence, never rounded to certainty.
pub(super) fn percent(fraction: f64) -> String {
    match fraction {
        f if f > 0.99 => format!("{:.1} %", (1000.0 * f).floor() / 10.0),
        f => format!("{:.0} %", 100.0 * f),
    }
}

fn who(diagnosis: &Diagnosis) -> String {
    let alone = diagnosis.modalities.iter().filter(|m| m.fits_alone);
    let alone: Vec<&str> = alone.map(|m| m.name.as_str()).collect();
    let noise = match is_below_noise(diagnosis) {
        true => ", at a rate that permuted targets reach too",
        false => "",
    };
    let first = &diagnosis.first;
    let of_draws = first
        .of_draws
        .zip(late(diagnosis).and_then(|l| l.draws.as_ref()));
    let does = match of_draws {
        Some((share, _)) if share >= AGREE => format!(
            "is learned first{noise}{}",
            first.with_draws.map_or(String::new(), |sure| format!(
                " (confidence {} over rows and initial weights)",
                percent(sure)
            ))
        ),
        Some((_, draws)) => format!(
            "grows fastest from small weights{noise}{}, but the initial weights decide who is first ({})",
            sure(first.confidence),
            orders(draws)
        ),
        None if trained_as_said(diagnosis) => {
            format!("is learned first{noise}{}", sure(first.confidence))
        }
        None => format!(
            "grows fastest from small weights{noise}{}",
            sure(first.confidence)
        ),
    };
    let fits = match &alone[..] {
        [] => String::new(),
        names => format!(
            "{} the rows exactly, so that late fusion need not learn the others; ",
            match names {
                [one] => format!("{one} alone fits"),
                several => format!("{} each fit alone", listed(several.iter().copied())),
            }
        ),
    };
    format!("{fits}{} {does}; {}.", first.name, preference(diagnosis))
}

/// Which modality late fusion learns first from how many draws, the most frequent one first.
fn orders(draws: &Draws) -> String {
    let mut first: Vec<_> = draws.first.iter().filter(|f| f.share > 0.0).collect();
    first.sort_by(|a, b| b.share.total_cmp(&a.share));
    let each = first.iter().enumerate().map(|(k, f)| match k {
        0 => format!(
            "{} from {} of {} draws",
            f.name,
            share(f.share),
            draws.draws
        ),
        _ => format!("{} from {}", f.name, share(f.share)),
    });
    let each: Vec<String> = each.collect();
    each.join(", ")
}

/// A share of draws.
pub(super) fn share(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// Whether the largest growth rate is one that permuted targets have.
fn is_below_noise(diagnosis: &Diagnosis) -> bool {
    let name = &diagnosis.first.name;
    let own = diagnosis.modalities.iter().find(|m| m.name == *name);
    let floors = diagnosis.noise_floor.iter().flat_map(|f| &f.modalities);
    let floor = floors.into_iter().find(|floor| floor.name == *name);
    own.zip(floor)
        .is_some_and(|(own, floor)| own.growth_rate < floor.growth_rate)
}

/// How what the first modality explains alone compares with the best other one.
fn preference(diagnosis: &Diagnosis) -> String {
    let superficial = &diagnosis.superficial;
    let alone = |m: &ModalityReading| m.explained_alone.unwrap_or(f64::NEG_INFINITY);
    let is_first = |m: &&ModalityReading| m.name == diagnosis.first.name;
    let first = diagnosis.modalities.iter().find(is_first);
    let others = diagnosis.modalities.iter().filter(|m| !is_first(m));
    let best = others.max_by(|a, b| alone(a).total_cmp(&alone(b)));
    let known = first
        .zip(best)
        .filter(|(first, best)| first.explained_alone.is_some() && best.explained_alone.is_some());
    let Some((first, best)) = known else {
        return "whether its lead is superficial is not told".to_owned();
    };
    // Without the sign of a nothing below zero.
    let explained = |m| format!("{} %", (100.0 * alone(m)).round() + 0.0);
    let sure = sure(superficial.confidence);
    match superficial.verdict {
        None => format!(
            "whether its lead is superficial cannot be told (alone it explains {}, {} {})",
            explained(first),
            best.name,
            explained(best)
        ),
        Some(true) => format!(
            "its lead is superficial{sure}, for {} alone explains more, {} against {}",
            best.name,
            explained(best),
            explained(first)
        ),
        Some(false) => format!(
            "its lead is not superficial{sure}, for it also explains the most alone, {} against {}",
            explained(first),
            explained(best)
        ),
    }
}

/// Whether the network of the last layer learned the modality of the largest growth rate first, if any. Its own initial
/// weights and depths may have another one.
fn trained_as_said(diagnosis: &Diagnosis) -> bool {
    let trained = late(diagnosis).and_then(|late| late.learned.first.as_ref());
    trained.is_none_or(|trained| *trained == diagnosis.first.name)
}

pub(super) fn late(diagnosis: &Diagnosis) -> Option<&LayerResult> {
    diagnosis.layers.last()
}

/// From 10 to 90 %.
pub(super) fn range(spread: Spread) -> String {
    let [low, high] = [spread.low, spread.high].map(|end| number_to(3, end));
    match low == high {
        true => low,
        false => format!("{low} to {high}"),
    }
}

/// From 10 to 90 %, of fractions.
pub(super) fn percents(spread: Spread) -> String {
    let [low, high] = [spread.low, spread.high].map(|end| fraction(Some(end)));
    match low == high {
        true => low,
        false => format!("{} to {high}", low.trim_end_matches(" %")),
    }
}

fn matters(diagnosis: &Diagnosis, seed: u64) -> String {
    let Some(late) = late(diagnosis) else {
        return "No network was trained.".to_owned();
    };
    if late.is_cut_short {
        return "The flow of late fusion ended at flow.until.time before a second modality was learned: how long that takes, \
                and whether stopping early does harm, is not told."
            .to_owned();
    }
    let run = run_words(diagnosis, late);
    let over_draws = late.draws.as_ref().and_then(ratio_words);
    let wait = match over_draws {
        Some(words) => format!("{words}. In the run of seed {seed} {run}"),
        None => format!("In late fusion {run}"),
    };
    format!(
        "{wait}{}.",
        stop_words(diagnosis, &late.learned, &late.stopping)
    )
}

/// The time ratio over the draws of the initial weights.
fn ratio_words(draws: &Draws) -> Option<String> {
    let ratio = draws.ratio?;
    let times = match are_together(ratio.high) {
        true => "learns two modalities together".to_owned(),
        false => format!(
            "learns the second modality {} times as late as the first",
            range(ratio)
        ),
    };
    Some(match draws.never {
        Some(never) if never > 0.0 => format!(
            "From {} of {} draws late fusion learns no second modality; from the others it {times}",
            share(never),
            draws.draws
        ),
        _ => format!("Late fusion {times} (10 to 90 % of {} draws)", draws.draws),
    })
}

/// Who waits how long for whom.
pub(super) fn wait_words(first: &str, second: &str, ratio: f64) -> String {
    match are_together(ratio) {
        true => format!("{first} and {second} are learned together"),
        false => format!(
            "{second} is learned {} times as late as {first}",
            number_to(3, ratio)
        ),
    }
}

/// What the run of late fusion did.
fn run_words(diagnosis: &Diagnosis, late: &LayerResult) -> String {
    match (
        late.learned.ratio,
        &late.learned.first,
        &late.learned.second,
    ) {
        (Some(ratio), Some(first), Some(second)) => {
            let left = late.stopping.plateau_left.map_or(String::new(), |left| {
                format!(", with {} still to learn", percent(left))
            });
            let same = match *first == diagnosis.first.name {
                true => "",
                false => ", as its initial weights and depths decide",
            };
            let idle = idle_words(diagnosis, &late.learned, second);
            format!("{}{same}{idle}{left}", wait_words(first, second, ratio))
        }
        _ if learns_together(late) => {
            "the modalities are learned beside one another, with no phase of one alone".to_owned()
        }
        (_, Some(first), _) => format!("no second modality is learned after {first}"),
        _ => "no modality is learned".to_owned(),
    }
}

/// Where the modality `name` adds nothing to the others, unless none adds to the first, which is said by
/// itself.
pub(super) fn idle_words(diagnosis: &Diagnosis, learned: &LayerPhase, name: &str) -> String {
    let mut modalities = diagnosis.modalities.iter();
    let is_said = alone_matters(diagnosis, learned.first.as_deref()).is_some();
    match !is_said && modalities.any(|m| m.name == name && !m.adds()) {
        true => format!(" ({name} adds nothing to the others)"),
        false => String::new(),
    }
}

/// Whether every modality that has one ends with half of its share of least norm, or more, and there are several.
fn learns_together(late: &LayerResult) -> bool {
    let shares = late.stopping.shares.iter();
    let known: Option<Vec<(f64, f64)>> = shares.map(|s| s.end.zip(s.least_norm)).collect();
    let mut known = known.unwrap_or_default();
    known.retain(|(_, own)| *own > NOTHING);
    known.len() > 1 && known.iter().all(|(end, own)| *end >= 0.5 * own)
}

/// What stopping early does.
pub(super) fn stop_words(diagnosis: &Diagnosis, learned: &LayerPhase, late: &Stopping) -> String {
    /// A smaller bias is none.
    const BIASED: f64 = 0.05;
    if let Some(first) = alone_matters(diagnosis, learned.first.as_deref()) {
        return format!(
            "; nothing else adds to what {first} explains, so that there is no bias to mend"
        );
    }
    let is_biased = late.bias.is_some_and(|bias| bias > BIASED);
    let bias = late
        .bias
        .map_or(String::new(), |bias| format!("a bias of {}", percent(bias)));
    let is_before = late.stops_before_second.unwrap_or(true);
    let is_alone = learned.second.is_none();
    let words = match (late.early_stop, late.falls_to_the_end) {
        (None, _) => return String::new(),
        _ if late.is_before_all() => "is least before anything is learned".to_owned(),
        (_, Some(true)) if is_biased => format!("falls to the end, which leaves {bias}"),
        (_, Some(true)) => "falls to the end, so that patience is all it takes".to_owned(),
        _ if is_biased && is_alone => format!("is least along the way, with {bias}"),
        _ if is_biased && is_before => {
            format!("is least before that, so that stopping early locks in {bias}")
        }
        _ if is_biased => format!("is least after that, which leaves {bias}"),
        _ if is_before => {
            let when = if is_alone {
                "along the way"
            } else {
                "before that"
            };
            format!("is least {when}, with the others nearly at their shares of the outputs")
        }
        _ => "is least after that, so that stopping early does no harm".to_owned(),
    };
    format!("; the error on rows held out {words}")
}

/// The modality `learned` first, or that of the largest growth rate, where no other one adds to it.
pub(super) fn alone_matters<'d>(
    diagnosis: &'d Diagnosis,
    learned: Option<&'d str>,
) -> Option<&'d str> {
    let first = learned.unwrap_or(&diagnosis.first.name);
    let mut others = diagnosis.modalities.iter().filter(|m| m.name != first);
    (!others.any(ModalityReading::adds)).then_some(first)
}
