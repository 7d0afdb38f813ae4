//! Reads a stream into a [`Graph`]. Work and memory are bounded by the length of the input.

use super::object::{ClassDescription, Field, Graph, Handle, Node, Object, Value};
use crate::cursor::Cursor;
use crate::error::{Error, Problem, Within};

/// Real streams nest about 30 deep (a map of maps of lists of handles).
const MAX_DEPTH: usize = 100;

/// Flink's classes have three at most.
const MAX_ANCESTORS: usize = 30;

const MAGIC_AND_VERSION: u32 = 0xaced_0005;

const NULL: u8 = 0x70;
const REFERENCE: u8 = 0x71;
const CLASS_DESCRIPTION: u8 = 0x72;
const OBJECT: u8 = 0x73;
const STRING: u8 = 0x74;
const ARRAY: u8 = 0x75;
const CLASS: u8 = 0x76;
const BLOCK_DATA: u8 = 0x77;
const END_BLOCK_DATA: u8 = 0x78;
const BLOCK_DATA_LONG: u8 = 0x7a;
const LONG_STRING: u8 = 0x7c;
const PROXY_CLASS_DESCRIPTION: u8 = 0x7d;
const ENUM: u8 = 0x7e;
const FIRST_HANDLE: u32 = 0x007e_0000;

const HAS_WRITE_METHOD: u8 = 0x01;
const SERIALIZABLE: u8 = 0x02;
const EXTERNALIZABLE: u8 = 0x04;
const EXTERNAL_BLOCK_DATA: u8 = 0x08;

/// Reads one object, which must end with the input.
pub(crate) fn read_all<'a>(cursor: &mut Cursor<'a>) -> Result<Graph<'a>, Error> {
    if cursor.u32()? != MAGIC_AND_VERSION {
        return Err(cursor.error(broken("no stream header (AC ED 00 05)")));
    }
    let graph = Graph {
        nodes: Vec::new(),
        root: Value::Null,
    };
    let mut reader = Reader {
        cursor,
        graph,
        depth: 0,
    };
    let root = reader.object()?;
    let mut graph = reader.graph;
    graph.root = root;
    cursor.end()?;
    Ok(graph)
}

struct Reader<'a, 'c> {
    cursor: &'c mut Cursor<'a>,
    graph: Graph<'a>,
    depth: usize,
}

impl<'a> Reader<'a, '_> {
    fn object(&mut self) -> Result<Value, Error> {
        let tag = self.cursor.u8()?;
        self.tagged(tag)
    }

    fn tagged(&mut self, tag: u8) -> Result<Value, Error> {
        if self.depth >= MAX_DEPTH {
            return Err(self.cursor.error(Problem::TooDeep { limit: MAX_DEPTH }));
        }
        self.depth = self.depth.saturating_add(1);
        let value = match tag {
            NULL => Ok(Value::Null),
            REFERENCE => self.reference().map(Value::Object),
            CLASS_DESCRIPTION | PROXY_CLASS_DESCRIPTION => self.new_class(tag).map(Value::Object),
            OBJECT => self.new_object(),
            STRING | LONG_STRING => self.string(tag).map(Value::Object),
            ARRAY => self.array(),
            CLASS => self.class_object(),
            ENUM => self.enum_constant(),
            _ => Err(self.fail("unknown element")),
        };
        self.depth = self.depth.saturating_sub(1);
        value
    }

    fn reference(&mut self) -> Result<Handle, Error> {
        let wire = self.cursor.u32()?;
        let handle = wire
            .checked_sub(FIRST_HANDLE)
            .and_then(|index| usize::try_from(index).ok());
        match handle {
            Some(index) if index < self.graph.len() => Ok(Handle(index)),
            _ => Err(self.fail("reference to an object that does not exist")),
        }
    }

    fn reserve(&mut self) -> Handle {
        let handle = Handle(self.graph.nodes.len());
        self.graph.nodes.push(Node::Pending);
        handle
    }

    fn complete(&mut self, handle: Handle, node: Node<'a>) {
        if let Some(slot) = self.graph.nodes.get_mut(handle.0) {
            *slot = node;
        }
    }

    /// A class description in a place that requires one; None for null.
    fn class_description(&mut self) -> Result<Option<Handle>, Error> {
        let tag = self.cursor.u8()?;
        match self.tagged(tag)? {
            Value::Null => Ok(None),
            // A class that is still being read is no class yet: so no class can be its own ancestor.
            Value::Object(handle) if self.graph.class(handle).is_some() => Ok(Some(handle)),
            _ => Err(self.fail("not a class description")),
        }
    }

    fn required_class(&mut self) -> Result<Handle, Error> {
        self.class_description()?
            .ok_or_else(|| self.fail("object without a class"))
    }

    fn new_class(&mut self, tag: u8) -> Result<Handle, Error> {
        if tag == PROXY_CLASS_DESCRIPTION {
            return Err(self.fail("proxy class"));
        }
        let name = self.cursor.utf()?;
        let _serial_version = self.cursor.i64()?;
        let handle = self.reserve();
        let flags = self.cursor.u8()?;
        let count = self.cursor.u16()?;
        let mut fields = Vec::new();
        for _ in 0..count {
            fields.push(self.field_description()?);
        }
        self.annotations()?;
        let parent = self.class_description()?;
        let depth = parent
            .and_then(|parent| self.graph.class(parent))
            .map_or(0, |parent| parent.depth.saturating_add(1));
        if depth > MAX_ANCESTORS {
            return Err(self.cursor.error(Problem::TooDeep {
                limit: MAX_ANCESTORS,
            }));
        }
        self.complete(
            handle,
            Node::Class(ClassDescription {
                name,
                flags,
                fields,
                parent,
                depth,
            }),
        );
        Ok(handle)
    }

    fn field_description(&mut self) -> Result<Field<'a>, Error> {
        let kind = self.cursor.u8()?;
        let name = self.cursor.utf()?;
        match kind {
            b'B' | b'C' | b'D' | b'F' | b'I' | b'J' | b'S' | b'Z' => {}
            b'L' | b'[' => {
                let type_name = self.object()?;
                if self.graph.text(type_name).is_none() {
                    return Err(self.fail("field type is not a string"));
                }
            }
            _ => return Err(self.fail("unknown field type")),
        }
        Ok(Field { kind, name })
    }

    fn new_object(&mut self) -> Result<Value, Error> {
        let class = self.required_class()?;
        let handle = self.reserve();
        let mut object = Object {
            class,
            fields: Vec::new(),
            contents: Vec::new(),
        };
        let mut lineage = Vec::new();
        let mut next = Some(class);
        while let Some(ancestor) = next {
            lineage.push(ancestor);
            next = self.graph.class(ancestor).and_then(|class| class.parent);
        }
        for ancestor in lineage.into_iter().rev() {
            self.class_data(ancestor, &mut object)?;
        }
        self.complete(handle, Node::Object(object));
        Ok(Value::Object(handle))
    }

    fn class_data(&mut self, class: Handle, object: &mut Object) -> Result<(), Error> {
        let Some(description) = self.graph.class(class) else {
            return Err(self.fail("not a class"));
        };
        let flags = description.flags;
        let count = description.fields.len();
        if flags & SERIALIZABLE != 0 {
            for index in 0..count {
                let kind = self
                    .graph
                    .class(class)
                    .and_then(|class| class.fields.get(index))
                    .map_or(0, |f| f.kind);
                let value = self.value(kind).element("fields", index)?;
                object.fields.push(value);
            }
            if flags & HAS_WRITE_METHOD != 0 {
                object.contents.extend(self.annotations()?);
            }
            return Ok(());
        }
        if flags & EXTERNALIZABLE != 0 {
            if flags & EXTERNAL_BLOCK_DATA == 0 {
                return Err(self.fail("externalizable object of the first protocol version"));
            }
            object.contents.extend(self.annotations()?);
            return Ok(());
        }
        if count == 0 {
            Ok(())
        } else {
            Err(self.fail("class is not serializable"))
        }
    }

    fn value(&mut self, kind: u8) -> Result<Value, Error> {
        let width = match kind {
            b'J' => return self.cursor.i64().map(Value::Long),
            b'Z' => return self.cursor.bool().map(Value::Bool),
            b'L' | b'[' => return self.object(),
            b'B' => 1,
            b'C' | b'S' => 2,
            b'F' | b'I' => 4,
            b'D' => 8,
            _ => return Err(self.fail("unknown field type")),
        };
        self.cursor.bytes(width).map(|_| Value::Other)
    }

    /// Block data, which is skipped, and objects, which are returned, up to their end mark.
    fn annotations(&mut self) -> Result<Vec<Value>, Error> {
        let mut objects = Vec::new();
        loop {
            match self.cursor.u8()? {
                END_BLOCK_DATA => return Ok(objects),
                BLOCK_DATA => {
                    let length = usize::from(self.cursor.u8()?);
                    self.cursor.bytes(length)?;
                }
                BLOCK_DATA_LONG => {
                    self.cursor.blob()?;
                }
                tag => objects.push(self.tagged(tag)?),
            }
        }
    }

    fn string(&mut self, tag: u8) -> Result<Handle, Error> {
        let handle = self.reserve();
        let text = if tag == STRING {
            self.cursor.utf()?
        } else {
            let length = usize::try_from(self.cursor.i64()?).unwrap_or(usize::MAX);
            self.cursor.text(length)?
        };
        self.complete(handle, Node::Text(text));
        Ok(handle)
    }

    fn array(&mut self) -> Result<Value, Error> {
        let class = self.required_class()?;
        let handle = self.reserve();
        let kind = self
            .graph
            .class(class)
            .and_then(|class| class.name.as_ascii().as_bytes().get(1).copied());
        let width = match kind {
            Some(b'L' | b'[' | b'B' | b'Z') => 1,
            Some(b'C' | b'S') => 2,
            Some(b'F' | b'I') => 4,
            Some(b'D' | b'J') => 8,
            _ => return Err(self.fail("array of an unknown type")),
        };
        let count = self.cursor.count(width)?;
        let (mut elements, mut bytes) = (Vec::new(), 0);
        if matches!(kind, Some(b'L' | b'[')) {
            for index in 0..count {
                let element = self.object().element("array", index)?;
                elements.push(element);
            }
        } else {
            bytes = count.saturating_mul(width);
            self.cursor.bytes(bytes)?;
        }
        self.complete(handle, Node::Array { elements, bytes });
        Ok(Value::Object(handle))
    }

    fn class_object(&mut self) -> Result<Value, Error> {
        self.required_class()?;
        let handle = self.reserve();
        self.complete(handle, Node::ClassObject);
        Ok(Value::Object(handle))
    }

    fn enum_constant(&mut self) -> Result<Value, Error> {
        let class = self.required_class()?;
        let handle = self.reserve();
        let Value::Object(constant) = self.object()? else {
            return Err(self.fail("enum constant without a name"));
        };
        if self.graph.text(Value::Object(constant)).is_none() {
            return Err(self.fail("enum constant without a name"));
        }
        self.complete(handle, Node::Enum { class, constant });
        Ok(Value::Object(handle))
    }

    #[cold]
    fn fail(&self, reason: &'static str) -> Error {
        self.cursor.error(broken(reason))
    }
}

fn broken(reason: &'static str) -> Problem {
    Problem::JavaStream { reason }
}
