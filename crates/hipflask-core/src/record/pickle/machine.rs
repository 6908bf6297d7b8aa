//! Runs a pickle of any protocol, 0 to 5.

use std::collections::HashMap;

use super::{
    argument::Input,
    call::{build, call},
    class::{Class, Named},
    heap::{Heap, Id, Object},
};
use crate::{
    record::DecodeError,
    serializer::Limits,
    value::{Int, Text, Value},
};

pub(in crate::record) fn read(bytes: &[u8], limits: Limits) -> Result<Value, DecodeError> {
    let mut machine = Machine {
        input: Input::new(bytes),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        heap: Heap::new(limits),
    };
    loop {
        match machine.input.byte()? {
            b'.' => break,
            opcode => machine.step(opcode)?,
        }
    }
    let result = machine.pop()?;
    machine.heap.value(result)
}

struct Machine<'a> {
    input: Input<'a>,
    stack: Vec<Id>,
    /// The heights of the stack at which a mark was set.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
    heap: Heap,
}

type Step = Result<(), DecodeError>;

impl Machine<'_> {
    fn step(&mut self, opcode: u8) -> Step {
        match opcode {
            0x80 => self.input.byte().and_then(|protocol| self.check(protocol <= 5)),
            0x95 => self.input.unsigned(8).and_then(|length| self.input.frame(length)),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' if self.marks.last() == Some(&self.stack.len()) => self.pop_mark().map(drop),
            b'0' => self.pop().map(drop),
            b'1' => self.pop_mark().map(drop),
            b'2' => {
                let top = self.top()?;
                self.push(top)
            }
            b'N' => self.push(Heap::NONE),
            0x88 => self.push(Heap::TRUE),
            0x89 => self.push(Heap::FALSE),
            b')' => self.push(Heap::EMPTY_TUPLE),
            b']' | 0x8f => self.add(Object::List(Vec::new())),
            b'}' => self.add(Object::Dict(Vec::new())),
            _ => self.number(opcode),
        }
    }

    fn number(&mut self, opcode: u8) -> Step {
        let int = match opcode {
            b'I' => match self.input.line()? {
                b"00" => return self.push(Heap::FALSE),
                b"01" => return self.push(Heap::TRUE),
                line => self.input.int(line)?,
            },
            b'L' => {
                let line = self.input.line()?;
                self.input.int(line.strip_suffix(b"L").unwrap_or(line))?
            }
            b'J' => i64::from(self.input.unsigned(4)? as u32 as i32).into(),
            b'K' => Int::from(self.input.unsigned(1)?),
            b'M' => Int::from(self.input.unsigned(2)?),
            0x8a => self.input.long(1)?,
            0x8b => self.input.long(4)?,
            b'F' => {
                let float = self.input.float_line()?;
                return self.leaf(Value::Float(float));
            }
            b'G' => {
                let float = self.input.float()?;
                return self.leaf(Value::Float(float));
            }
            _ => return self.text(opcode),
        };
        self.leaf(Value::Int(int))
    }

    fn text(&mut self, opcode: u8) -> Step {
        let input = &mut self.input;
        let value = match opcode {
            b'S' => Value::Str(input.quoted_line()?),
            b'T' => Value::Str(input.ascii(4)?),
            b'U' => Value::Str(input.ascii(1)?),
            b'V' => Value::Str(input.raw_unicode_line()?),
            b'X' => Value::Str(input.text(4)?),
            0x8c => Value::Str(input.text(1)?),
            0x8d => Value::Str(input.text(8)?),
            b'B' => Value::Bytes(input.sized(4)?.to_vec()),
            b'C' => Value::Bytes(input.sized(1)?.to_vec()),
            0x8e | 0x96 => Value::Bytes(input.sized(8)?.to_vec()),
            _ => return self.container(opcode),
        };
        self.leaf(value)
    }

    fn container(&mut self, opcode: u8) -> Step {
        match opcode {
            b'a' => {
                let item = self.pop()?;
                self.extend(&[item])
            }
            b'e' | 0x90 => {
                let items = self.pop_mark()?;
                self.extend(&items)
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_items(&[key, value])
            }
            b'u' => {
                let items = self.pop_mark()?;
                self.set_items(&items)
            }
            b'd' => {
                let items = self.pop_mark()?;
                self.add(Object::Dict(Vec::new()))?;
                self.set_items(&items)
            }
            b'l' | 0x91 => {
                let items = self.pop_mark()?;
                self.add(Object::List(items))
            }
            b't' => {
                let items = self.pop_mark()?;
                self.add(Object::Tuple(items))
            }
            0x85..=0x87 => {
                let start = self.stack.len().checked_sub(usize::from(opcode - 0x84));
                let is_free = start.is_some_and(|start| start >= self.fence());
                self.check(is_free)?;
                let items = self.stack.split_off(start.unwrap_or_default());
                self.add(Object::Tuple(items))
            }
            _ => self.memo(opcode),
        }
    }

    fn memo(&mut self, opcode: u8) -> Step {
        let place = match opcode {
            b'g' | b'p' => {
                let line = self.input.text_line()?;
                line.parse().map_err(|_| self.input.corrupt())?
            }
            b'h' | b'q' => self.input.unsigned(1)?,
            b'j' | b'r' => self.input.unsigned(4)?,
            0x94 => self.memo.len() as u64,
            _ => return self.object(opcode),
        };
        if matches!(opcode, b'g' | b'h' | b'j') {
            let id = self.memo.get(&place).copied();
            return self.push(id.ok_or_else(|| self.input.corrupt())?);
        }
        let top = self.top()?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn object(&mut self, opcode: u8) -> Step {
        match opcode {
            b'c' => {
                let (module, name) = (self.input.text_line()?, self.input.text_line()?);
                self.add(Object::Class(Named::find(module, name)?))
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let class = match (self.str_of(module), self.str_of(name)) {
                    (Some(module), Some(name)) => Named::find(module, name)?,
                    _ => return Err(self.input.corrupt()),
                };
                self.add(Object::Class(class))
            }
            b'R' | 0x81 => {
                let (args, class) = (self.pop()?, self.pop()?);
                let Object::Tuple(args) = self.heap.get(args) else {
                    return Err(self.input.corrupt());
                };
                let args = args.clone();
                self.heap.pay(args.len())?;
                self.call(class, &args, opcode == 0x81)
            }
            b'i' => {
                let (module, name) = (self.input.text_line()?, self.input.text_line()?);
                let class = self.heap.add(Object::Class(Named::find(module, name)?));
                let args = self.pop_mark()?;
                self.call(class, &args, false)
            }
            b'o' => match *self.pop_mark()? {
                [class, ref args @ ..] => self.call(class, args, false),
                [] => Err(self.input.corrupt()),
            },
            b'b' => {
                let state = self.pop()?;
                let object = self.top()?;
                build(&mut self.heap, object, state)
            }
            _ => Err(self.input.corrupt()),
        }
    }

    fn call(&mut self, class: Id, args: &[Id], is_new: bool) -> Step {
        let made = call(&mut self.heap, class, args, is_new)?;
        self.push(made)
    }

    fn extend(&mut self, more: &[Id]) -> Step {
        let top = self.top()?;
        match self.heap.get_mut(top) {
            Object::List(items) => items.extend_from_slice(more),
            // A list of an app's own class.
            object @ Object::Unset(Class::Foreign) => *object = Object::List(more.to_vec()),
            _ => return Err(self.input.corrupt()),
        }
        Ok(())
    }

    fn set_items(&mut self, items: &[Id]) -> Step {
        let (pairs, rest) = items.as_chunks::<2>();
        let top = self.top()?;
        let object = self.heap.get_mut(top);
        if matches!(object, Object::Unset(Class::Foreign)) {
            *object = Object::Dict(Vec::new()); // of an app's own class
        }
        match object {
            Object::Dict(entries) if rest.is_empty() => {
                entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
            }
            _ => return Err(self.input.corrupt()),
        }
        Ok(())
    }

    fn str_of(&self, id: Id) -> Option<&str> {
        match self.heap.get(id) {
            Object::Leaf(Value::Str(text)) => Text::as_str(text),
            _ => None,
        }
    }

    fn leaf(&mut self, value: Value) -> Step {
        self.add(Object::Leaf(value))
    }

    fn add(&mut self, object: Object) -> Step {
        let id = self.heap.add(object);
        self.push(id)
    }

    fn push(&mut self, id: Id) -> Step {
        self.stack.push(id);
        Ok(())
    }

    /// The height below which nothing may be taken.
    fn fence(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Id, DecodeError> {
        let top = self.stack.get(self.fence()..).and_then(<[Id]>::last);
        top.copied().ok_or_else(|| self.input.corrupt())
    }

    fn pop(&mut self) -> Result<Id, DecodeError> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// Takes all down to the last mark.
    fn pop_mark(&mut self) -> Result<Vec<Id>, DecodeError> {
        let mark = self.marks.pop().ok_or_else(|| self.input.corrupt())?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn check(&self, is_fine: bool) -> Step {
        if is_fine { Ok(()) } else { Err(self.input.corrupt()) }
    }
}
