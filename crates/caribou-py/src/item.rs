//! The four dataclasses as items of the model.
//!
//! `log()` spends most of its time here. The `__dict__` of a dataclass holds the fields in the order of their
//! declaration under interned keys, so that a field is recognised by comparing pointers; None is passed over.

use caribou::{Criterion, Event, Grade, Item, Message, ToolExecution};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString, PyTuple};

use crate::convert::{Field, text};
use crate::dict::for_each_entry;
use crate::json::json_from;
use crate::registry::{ItemClass, Registry};

/// Reads any of the four.
pub(crate) fn item_from(item: &Bound<'_, PyAny>, registry: &Registry) -> PyResult<Item> {
    let py = item.py();
    let class = item.get_type();
    let is = |known: &ItemClass| class.is(known.class.bind(py));
    if is(&registry.message) {
        return message(item, registry).map(Item::Message);
    }
    if is(&registry.tool_execution) {
        return tool_execution(item, registry).map(Item::ToolExecution);
    }
    if is(&registry.grade) {
        return grade(item, registry).map(Item::Grade);
    }
    if is(&registry.event) {
        return event(item, registry).map(Item::Event);
    }
    if item.is_instance(registry.message.class.bind(py))? {
        message(item, registry).map(Item::Message)
    } else if item.is_instance(registry.tool_execution.class.bind(py))? {
        tool_execution(item, registry).map(Item::ToolExecution)
    } else if item.is_instance(registry.grade.class.bind(py))? {
        grade(item, registry).map(Item::Grade)
    } else if item.is_instance(registry.event.class.bind(py))? {
        event(item, registry).map(Item::Event)
    } else {
        Err(PyTypeError::new_err(format!(
            "log() takes a Message, ToolExecution, Grade or Event, not {}",
            class.name()?
        )))
    }
}

/// Calls `set` with the number of each field that is not None.
fn for_each_field<const N: usize>(
    item: &Bound<'_, PyAny>,
    registry: &Registry,
    names: &Names<'_, N>,
    mut set: impl FnMut(usize, Field<'_, '_>) -> PyResult<()>,
) -> PyResult<()> {
    let py = item.py();
    let dict = item
        .getattr(registry.dict_name.bind(py))?
        .cast_into::<PyDict>()?;
    // All are held before the first is read, because reading may run code that changes the item.
    let mut values = [const { None }; N];
    for_each_entry(&dict, |position, key, value| {
        let in_order = names
            .interned
            .get(position)
            .is_some_and(|name| name.as_ptr() == key.as_ptr());
        let number = if in_order {
            Some(position)
        } else {
            names.number_of(&key)
        };
        // Attributes that somebody added to an item are not ours to record.
        if let Some(number) = number {
            values[number] = Some(value.to_owned());
        }
    });
    for (number, value) in values.iter().enumerate() {
        if let Some(value) = value {
            let field = Field {
                class: names.class,
                name: names.plain[number],
                value,
            };
            set(number, field)?;
        }
    }
    Ok(())
}

/// The names of a class's fields in both forms.
struct Names<'a, const N: usize> {
    class: &'static str,
    plain: &'static [&'static str; N],
    interned: &'a [Py<PyString>],
}

impl<const N: usize> Names<'_, N> {
    fn number_of(&self, key: &Bound<'_, PyAny>) -> Option<usize> {
        let is_key = |name: &Py<PyString>| name.as_ptr() == key.as_ptr();
        if let Some(number) = self.interned.iter().position(is_key) {
            return Some(number);
        }
        let key: String = key.extract().ok()?;
        self.plain.iter().position(|name| *name == key)
    }
}

pub(crate) static MESSAGE: [&str; 18] = [
    "role",
    "content",
    "tool_calls",
    "tool_call_id",
    "name",
    "model",
    "provider",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "duration_ms",
    "grader_name",
    "prompt",
    "reasoning",
    "cached_input_tokens",
    "reasoning_tokens",
    "finish_reason",
    "timestamp",
];

fn message(item: &Bound<'_, PyAny>, registry: &Registry) -> PyResult<Message> {
    let names = Names {
        class: "Message",
        plain: &MESSAGE,
        interned: &registry.message.fields,
    };
    let mut message = Message::default();
    for_each_field(item, registry, &names, |number, field| {
        match number {
            0 => message.role = field.text()?,
            1 => message.content = Some(field.content()?),
            2 => message.tool_calls = Some(field.json()?),
            3 => message.tool_call_id = Some(field.text()?),
            4 => message.name = Some(field.text()?),
            5 => message.model = Some(field.text()?),
            6 => message.provider = Some(field.text()?),
            7 => message.input_tokens = field.count()?,
            8 => message.output_tokens = field.count()?,
            9 => message.cost = field.cost()?,
            10 => message.duration_ms = field.number()?,
            11 => message.grader_name = Some(field.text()?),
            12 => message.prompt = Some(field.text()?),
            13 => message.reasoning = Some(field.text()?),
            14 => message.cached_input_tokens = field.count()?,
            15 => message.reasoning_tokens = field.count()?,
            16 => message.finish_reason = Some(field.text()?),
            _ => message.timestamp_unix_nanos = field.moment()?,
        }
        Ok(())
    })?;
    Ok(message)
}

pub(crate) static TOOL_EXECUTION: [&str; 8] = [
    "name",
    "call_id",
    "arguments",
    "result",
    "error",
    "requestor",
    "duration_ms",
    "timestamp",
];

fn tool_execution(item: &Bound<'_, PyAny>, registry: &Registry) -> PyResult<ToolExecution> {
    let names = Names {
        class: "ToolExecution",
        plain: &TOOL_EXECUTION,
        interned: &registry.tool_execution.fields,
    };
    let mut tool = ToolExecution::default();
    for_each_field(item, registry, &names, |number, field| {
        match number {
            0 => tool.name = field.text()?,
            1 => tool.call_id = Some(field.text()?),
            2 => tool.arguments = Some(field.content()?),
            3 => tool.result = Some(field.content()?),
            4 => tool.error = Some(field.text()?),
            5 => tool.requestor = Some(field.text()?),
            6 => tool.duration_ms = field.number()?,
            _ => tool.timestamp_unix_nanos = field.moment()?,
        }
        Ok(())
    })?;
    Ok(tool)
}

pub(crate) static GRADE: [&str; 9] = [
    "score",
    "grader_type",
    "reasoning",
    "criteria",
    "passed_count",
    "total_count",
    "artifacts",
    "grader_version",
    "timestamp",
];

fn grade(item: &Bound<'_, PyAny>, registry: &Registry) -> PyResult<Grade> {
    let names = Names {
        class: "Grade",
        plain: &GRADE,
        interned: &registry.grade.fields,
    };
    let mut grade = Grade::new(f64::NAN);
    for_each_field(item, registry, &names, |number, field| {
        match number {
            0 => grade.score = field.number()?.unwrap_or(f64::NAN),
            1 => grade.grader_type = Some(field.text()?),
            2 => grade.reasoning = Some(field.text()?),
            3 => grade.criteria = Some(criteria(field.value)?),
            4 => grade.passed_count = field.count()?,
            5 => grade.total_count = field.count()?,
            6 => grade.artifacts = Some(field.json()?),
            7 => grade.grader_version = Some(field.text()?),
            _ => grade.timestamp_unix_nanos = field.moment()?,
        }
        Ok(())
    })?;
    Ok(grade)
}

pub(crate) static EVENT: [&str; 3] = ["name", "details", "timestamp"];

fn event(item: &Bound<'_, PyAny>, registry: &Registry) -> PyResult<Event> {
    let names = Names {
        class: "Event",
        plain: &EVENT,
        interned: &registry.event.fields,
    };
    let mut event = Event::default();
    for_each_field(item, registry, &names, |number, field| {
        match number {
            0 => event.name = field.text()?,
            1 => event.details = Some(field.json()?),
            _ => event.timestamp_unix_nanos = field.moment()?,
        }
        Ok(())
    })?;
    Ok(event)
}

fn criteria(value: &Bound<'_, PyAny>) -> PyResult<Vec<Criterion>> {
    if let Ok(list) = value.cast::<PyList>() {
        return list.iter().map(|one| criterion(&one)).collect();
    }
    if let Ok(tuple) = value.cast::<PyTuple>() {
        return tuple.iter().map(|one| criterion(&one)).collect();
    }
    Ok(vec![criterion(value)?])
}

/// Reads the known keys of a criterion. An object that is no dict is read from its JSON, if that is an object.
fn criterion(value: &Bound<'_, PyAny>) -> PyResult<Criterion> {
    let json = json_from(value)?;
    let Ok(dict) = value.cast::<PyDict>() else {
        let parsed: serde_json::Value = serde_json::from_str(&json).unwrap_or_default();
        return Ok(Criterion {
            json,
            ..Criterion::from(&parsed)
        });
    };
    let get = |key: &str| {
        dict.get_item(key)
            .ok()
            .flatten()
            .filter(|value| !value.is_none())
    };
    let get_text = |key: &str| get(key).map(|value| text(&value)).transpose();
    let get_number = |name: &'static str| match get(name) {
        Some(value) => Field {
            class: "criterion",
            name,
            value: &value,
        }
        .number(),
        None => Ok(None),
    };
    let passed = get("passed").and_then(|passed| {
        passed
            .cast::<PyBool>()
            .map_or_else(|_| passed.is_truthy().ok(), |passed| Some(passed.is_true()))
    });
    Ok(Criterion {
        criterion_type: get_text("type")?,
        passed,
        score: get_number("score")?,
        weight: get_number("weight")?,
        reasoning: get_text("reasoning")?
            .map_or_else(|| get_text("reason"), |text| Ok(Some(text)))?,
        json,
    })
}
