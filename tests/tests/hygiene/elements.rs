//! Records, wherever and however they are written.

/// A record may be public where the types of its fields are not.
#[allow(unreachable_pub)]
pub mod visibility {
    use buffer_runtime::BufferElement;

    /// Documented, because it is public.
    #[derive(Clone, Copy, Debug, BufferElement)]
    #[repr(C)]
    pub struct Public<T> {
        /// Shown to everybody.
        pub value: T,
        hidden: Private,
    }

    #[derive(Clone, Copy, Debug, BufferElement)]
    #[repr(C)]
    struct Private(f32);

    impl<T> Public<T> {
        /// Names the private parts.
        pub fn new(value: T) -> Self {
            Self { value, hidden: Private(0.0) }
        }

        /// Names them once more.
        pub fn sum(self) -> f32
        where
            T: Into<f32>,
        {
            self.value.into() + self.hidden.0
        }
    }
}

mod generics {
    use std::marker::PhantomData;

    use buffer_runtime::{Be, BufferElement, Element, Scalar};

    pub(crate) trait Species: Clone + Copy + Send + Sync + 'static {
        type Charge: Element + std::fmt::Debug;
    }

    #[derive(Clone, Copy, Debug, BufferElement)]
    #[repr(C)]
    pub(crate) struct Particle<S, T = f32, const N: usize = 3>
    where
        S: Species,
        T: Scalar,
    {
        pub(crate) charge: S::Charge,
        pub(crate) energy: Be<T>,
        pub(crate) position: [T; N],
        #[buffer(as = [T; 1])]
        pub(crate) weight: Wrapped<T>,
        species: PhantomData<fn() -> S>,
    }

    #[derive(Clone, Copy, Debug)]
    #[repr(transparent)]
    pub(crate) struct Wrapped<T>(T);

    // SAFETY: transparent over a scalar, which may be all zero.
    #[allow(unsafe_code)]
    unsafe impl<T: Scalar> bytemuck::Zeroable for Wrapped<T> {}

    // SAFETY: transparent over a scalar.
    #[allow(unsafe_code)]
    unsafe impl<T: Scalar> bytemuck::Pod for Wrapped<T> {}

    impl<S: Species<Charge: Default>, T: Scalar + Default, const N: usize> Default for Particle<S, T, N> {
        fn default() -> Self {
            Self {
                charge: S::Charge::default(),
                energy: Be::default(),
                position: [T::default(); N],
                weight: Wrapped(T::default()),
                species: PhantomData,
            }
        }
    }

    #[derive(Clone, Copy, Debug)]
    struct Electron;

    impl Species for Electron {
        type Charge = [i16; 2];
    }

    #[test]
    fn the_parameters_decide() {
        assert_eq!(<Particle<Electron>>::FORMAT, c"T{(2)=h:charge:>f:energy:(3)=f:position:(1)=f:weight:}");
        assert_eq!(<Particle<Electron, u32, 1> as Element>::ITEMSIZE, 16);
        assert_eq!(Particle::<Electron, u32, 1>::default().position, [0]);
    }
}

mod generated_by_macro {
    use buffer_runtime::{BufferElement, Element};

    macro_rules! record {
        ($vis:vis $name:ident { $($field:ident: $type:ty),* } $extra:ident) => {
            #[derive(Clone, Copy, Debug, BufferElement)]
            #[repr(C)]
            $vis struct $name {
                $($field: $type,)*
                $extra: f32,
                own: [f32; 2],
            }
        };
    }

    record!(pub(crate) Particle { charge: f32, r#type: [u16; 2] } extra);

    #[test]
    fn fields_of_macro_and_caller_are_all_there() {
        let particle = Particle { charge: 1.0, r#type: [2, 3], extra: 4.0, own: [5.0; 2] };
        assert_eq!(Particle::FORMAT, c"T{=f:charge:(2)=H:type:=f:extra:(2)=f:own:}");
        assert!(format!("{particle:?}").contains("5.0"));
    }
}

/// The record and its field warn where the user names them, not where the expansion does.
mod deprecated_items {
    use buffer_runtime::BufferElement;

    #[allow(deprecated, reason = "the other derives name them")]
    mod inner {
        use super::BufferElement;

        #[deprecated]
        #[derive(Clone, Copy, BufferElement)]
        #[repr(C)]
        pub(crate) struct Old {
            pub(crate) value: f32,
        }
    }

    #[derive(Clone, Copy, BufferElement)]
    #[repr(C)]
    pub(crate) struct OldField {
        #[deprecated]
        pub(crate) value: f32,
    }

    #[test]
    #[allow(deprecated)]
    fn they_are_elements() {
        let sum = inner::Old { value: 1.0 }.value + OldField { value: 2.0 }.value;
        assert!(sum > 2.5);
    }
}

mod configured {
    use buffer_runtime::{BufferElement, Element};

    #[cfg_attr(test, repr(C))]
    #[derive(Clone, Copy, Debug, BufferElement)]
    struct Above {
        #[cfg(not(test))]
        missing: Missing,
        #[cfg_attr(test, buffer(rename = "is"))]
        there: f32,
    }

    #[derive(Clone, Copy, Debug, BufferElement)]
    #[cfg_attr(test, repr(C, packed))]
    struct Below(#[cfg(not(test))] Missing, u8, f32);

    #[test]
    fn what_is_configured_away_is_not_there() {
        assert_eq!(Above::FORMAT, c"T{=f:is:}");
        assert_eq!(Below::FORMAT, c"T{=B:f0:=f:f1:}");
        assert!(format!("{:?} {:?}", Above { there: 1.0 }, Below(2, 3.0)).contains("3.0"));
    }
}

mod inside_a_function {
    #[test]
    fn local_record_is_an_element() {
        use buffer_runtime::{BufferElement, Element};

        #[derive(Clone, Copy, BufferElement)]
        #[repr(transparent)]
        struct Local([u8; 3]);

        assert_eq!((Local::FORMAT, Local::SHAPE.extents()), (c"B", [3].as_slice()));
        assert_eq!(Local([1, 2, 3]).0, [1, 2, 3]);
    }
}

mod renamed_crate {
    use super::super::facade;

    mod buffer_runtime {}

    #[derive(Clone, Copy, Debug, facade::runtime::BufferElement)]
    #[buffer(crate = "super::super::facade::runtime")]
    #[repr(C)]
    struct Sample {
        value: f64,
    }

    #[test]
    fn it_is_an_element() {
        fn itemsize<E: facade::runtime::Element>(_: E) -> usize {
            E::ITEMSIZE
        }
        let sample = Sample { value: 1.0 };
        assert_eq!(itemsize(sample), size_of_val(&sample.value));
    }
}

mod shadowed_names {
    #![allow(dead_code, non_camel_case_types)]

    mod buffer_runtime {}
    mod core {}
    mod std {}

    struct Copy;
    struct Send;
    struct Sync;
    struct Field;
    struct Place;
    struct Record;
    struct CStr;
    struct bool;
    struct usize;
    trait Element {
        fn end(&self) -> u8;
        fn padding(&self) -> u8;
        fn renamed(&self) -> u8;
    }
    impl<T> Element for T {
        fn end(&self) -> u8 {
            1
        }
        fn padding(&self) -> u8 {
            1
        }
        fn renamed(&self) -> u8 {
            1
        }
    }
    macro_rules! offset_of {
        () => {};
    }
    offset_of!();

    #[derive(::std::clone::Clone, ::std::marker::Copy, ::buffer_runtime::BufferElement)]
    #[repr(C)]
    struct Particle<T: ::buffer_runtime::Element> {
        #[buffer(rename = "x")]
        end: T,
        #[buffer(padding)]
        start: f32,
        member: f32,
    }
}

#[no_implicit_prelude]
mod without_prelude {
    #[derive(::std::clone::Clone, ::std::marker::Copy, ::std::fmt::Debug, ::buffer_runtime::BufferElement)]
    #[repr(C)]
    pub(super) struct Particle<T> {
        pub(super) charge: T,
        pub(super) marker: ::std::marker::PhantomData<T>,
    }
}

#[test]
fn a_record_without_prelude_is_an_element() {
    let particle = without_prelude::Particle { charge: 1.0_f32, marker: std::marker::PhantomData };
    assert_eq!(<without_prelude::Particle<f32> as buffer_runtime::Element>::FORMAT, c"T{=f:charge:}");
    assert!(format!("{particle:?}").contains("1.0"));
    assert!(visibility::Public::new(1.0_f32).sum() > 0.5);
}
