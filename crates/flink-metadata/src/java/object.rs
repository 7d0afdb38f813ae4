//! The objects of a stream, addressed by their handles.

use crate::modified_utf8::Utf;

/// Position of an object in the order of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Handle(pub(super) usize);

impl Handle {
    pub(crate) fn index(self) -> usize {
        self.0
    }
}

/// A field value, an array element, or an object that a `writeObject` method wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Object(Handle),
    Bool(bool),
    Long(i64),
    /// Any other primitive; nothing here needs its value.
    Other,
}

#[derive(Debug)]
pub(crate) enum Node<'a> {
    /// Being read; only a damaged stream can refer to it in a place that matters.
    Pending,
    Class(ClassDescription<'a>),
    Object(Object),
    Text(Utf<'a>),
    Enum {
        class: Handle,
        constant: Handle,
    },
    Array {
        /// None for primitive types: nothing here needs their values.
        elements: Vec<Value>,
        /// What primitive elements take in the stream.
        bytes: usize,
    },
    /// A `java.lang.Class` object.
    ClassObject,
}

#[derive(Debug)]
pub(crate) struct ClassDescription<'a> {
    pub(super) name: Utf<'a>,
    pub(super) flags: u8,
    pub(super) fields: Vec<Field<'a>>,
    pub(super) parent: Option<Handle>,
    /// How many ancestors it has.
    pub(super) depth: usize,
}

#[derive(Debug)]
pub(super) struct Field<'a> {
    pub(super) kind: u8,
    pub(super) name: Utf<'a>,
}

#[derive(Debug)]
pub(crate) struct Object {
    pub(super) class: Handle,
    /// Field values, those of the topmost class first.
    pub(super) fields: Vec<Value>,
    /// Objects that `writeObject` methods added: elements of collections and the like.
    pub(super) contents: Vec<Value>,
}

impl Object {
    /// Everything that this object refers to.
    pub(crate) fn values(&self) -> impl Iterator<Item = Value> {
        self.fields.iter().chain(&self.contents).copied()
    }
}

/// All objects of a stream.
#[derive(Debug)]
pub(crate) struct Graph<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) root: Value,
}

impl<'a> Graph<'a> {
    pub(crate) fn root(&self) -> Value {
        self.root
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn node(&self, handle: Handle) -> Option<&Node<'a>> {
        self.nodes.get(handle.0)
    }

    pub(crate) fn object(&self, value: Value) -> Option<&Object> {
        match value {
            Value::Object(handle) => match self.node(handle) {
                Some(Node::Object(object)) => Some(object),
                _ => None,
            },
            _ => None,
        }
    }

    /// Text, if the value is a string.
    pub(crate) fn text(&self, value: Value) -> Option<Utf<'a>> {
        match value {
            Value::Object(handle) => match self.node(handle) {
                Some(Node::Text(text)) => Some(*text),
                _ => None,
            },
            _ => None,
        }
    }

    /// The bytes of the elements, if the value is an array of a primitive type.
    pub(crate) fn array_bytes(&self, value: Value) -> Option<usize> {
        let Value::Object(handle) = value else {
            return None;
        };
        match self.node(handle) {
            Some(Node::Array { bytes, .. }) => Some(*bytes),
            _ => None,
        }
    }

    /// Class name and constant, if the value is an enum constant.
    pub(crate) fn enum_constant(&self, value: Value) -> Option<(&'a str, &'a str)> {
        let Value::Object(handle) = value else {
            return None;
        };
        let Some(Node::Enum { class, constant }) = self.node(handle) else {
            return None;
        };
        let constant = self.text(Value::Object(*constant))?;
        Some((self.class(*class)?.name.as_ascii(), constant.as_ascii()))
    }

    pub(super) fn class(&self, handle: Handle) -> Option<&ClassDescription<'a>> {
        match self.nodes.get(handle.0) {
            Some(Node::Class(class)) => Some(class),
            _ => None,
        }
    }

    pub(crate) fn class_name(&self, object: &Object) -> &'a str {
        self.class(object.class)
            .map_or("", |class| class.name.as_ascii())
    }

    /// The class and its ancestors. Ends, because a parent is always complete before its child.
    fn lineage(&self, object: &Object) -> impl Iterator<Item = &ClassDescription<'a>> {
        let first = self.class(object.class);
        std::iter::successors(first, |class| {
            class.parent.and_then(|parent| self.class(parent))
        })
    }

    /// Whether the object's class or one of its ancestors has this full name.
    pub(crate) fn is_a(&self, object: &Object, class: &str) -> bool {
        self.lineage(object)
            .any(|ancestor| ancestor.name.as_ascii() == class)
    }

    /// The value of a field, that of the most derived class if ancestors have one of the same name.
    pub(crate) fn field(&self, object: &Object, name: &str) -> Option<Value> {
        // Values are stored topmost class first, classes come most derived first: walk both from the end.
        let mut values = object.fields.iter().rev();
        for class in self.lineage(object) {
            for field in class.fields.iter().rev() {
                let value = values.next()?;
                if field.name.as_ascii() == name {
                    return Some(*value);
                }
            }
        }
        None
    }
}
