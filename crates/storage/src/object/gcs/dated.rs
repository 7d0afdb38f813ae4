use opendal::raw::Operation;
use serde_json::Value;

use crate::object::page::NoPage;

/// What the client takes for the time of an object moves whenever anything about it is changed, such as its storage class
/// by a rule of the bucket. The time of its contents is another field.
const OF_THE_OBJECT: &str = "updated";
const OF_THE_CONTENTS: &str = "timeCreated";

/// The answer as the client is to understand it: with the time of the contents.
pub(in crate::object) fn by_contents(asked: Operation, body: &[u8]) -> Result<Vec<u8>, NoPage> {
    let incomplete = |why: serde_json::Error| NoPage::Incomplete(why.to_string());
    let mut answer: Value = serde_json::from_slice(body).map_err(incomplete)?;
    if asked == Operation::Stat {
        date(&mut answer)?;
    } else if let Some(items) = answer.get_mut("items").and_then(Value::as_array_mut) {
        items.iter_mut().try_for_each(date)?;
    }
    serde_json::to_vec(&answer).map_err(incomplete)
}

fn date(object: &mut Value) -> Result<(), NoPage> {
    let time = object.get(OF_THE_CONTENTS).cloned();
    let time = time.filter(Value::is_string).ok_or(NoPage::WithoutTime)?;
    object
        .as_object_mut()
        .ok_or(NoPage::WithoutTime)?
        .insert(OF_THE_OBJECT.to_owned(), time);
    Ok(())
}
