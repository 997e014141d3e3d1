//! What can be wrong with a field.

/// What can be wrong with a field. `Display` is the contract's REST text (section 1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The field is missing.
    #[error("This field is required.")]
    Required,
    /// The field is empty or only spaces.
    #[error("This field may not be blank.")]
    Blank,
    /// The field is null.
    #[error("This field may not be null.")]
    Null,
    /// Not text.
    #[error("Not a valid string.")]
    NotText,
    /// Not a whole number.
    #[error("A valid integer is required.")]
    NotInteger,
    /// Neither true nor false.
    #[error("Must be a valid boolean.")]
    NotBoolean,
    /// Not a moment in time.
    #[error(
        "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
    )]
    NotTime,
    /// More characters than allowed.
    #[error("Ensure this field has no more than {max} characters.")]
    TooLong {
        /// How many are allowed.
        max: usize,
        /// How many there are.
        actual: usize,
    },
    /// A number below the least allowed one.
    #[error("Ensure this value is greater than or equal to {min}.")]
    TooSmall {
        /// The least allowed value.
        min: i64,
    },
    /// None of the choices.
    #[error("\"{given}\" is not a valid choice.")]
    NotAChoice {
        /// What was given.
        given: String,
    },
    /// U+0000 in a text.
    #[error("Null characters are not allowed.")]
    Nul,
    /// The username belongs to somebody else.
    #[error("A user with that username already exists.")]
    UsernameTaken,
    /// The username has other characters.
    #[error(
        "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters."
    )]
    UsernameCharacters,
    /// The nickname belongs to somebody else.
    #[error("Already existing nickname")]
    NicknameTaken,
    /// The email belongs to somebody else.
    #[error("Already existing email")]
    EmailTaken,
    /// No email address.
    #[error("Enter a valid email address.")]
    NotEmail,
    /// The room's name is in use.
    #[error("room with this name already exists.")]
    RoomNameTaken,
    /// More seats than the server allows.
    #[error("System max users limit is {limit}")]
    SeatsAboveLimit {
        /// The limit in force.
        limit: i64,
    },
    /// A room's end that is past, or later than the server allows.
    #[error("{0}")]
    BadEnd(String),
    /// The writer is not in the room.
    #[error("You're not authorized to perform any actions in this room")]
    NotInRoom,
    /// No row with that key.
    #[error("Invalid pk \"{pk}\" - object does not exist.")]
    NoSuchKey {
        /// The key given.
        pk: String,
    },
    /// A key of another type; `given` is the type's name as the reference prints it.
    #[error("Incorrect type. Expected pk value, received {given}.")]
    NotAKey {
        /// `str`, `bool`, `list`, `dict` or `float`.
        given: &'static str,
    },
    /// A filter that names nothing.
    #[error("Select a valid choice. That choice is not one of the available choices.")]
    NoSuchChoice,
    /// A message cannot change its room.
    #[error("A message cannot be moved to another room.")]
    RoomFixed,
    /// Neither text nor file.
    #[error("A message needs text or a file.")]
    EmptyMessage,
    /// Not one emoji.
    #[error("Not an emoji.")]
    NotEmoji,
    /// No small picture.
    #[error("Not a PNG, JPEG or WebP picture of at most {kib} KiB.")]
    NotALogo {
        /// The largest.
        kib: usize,
    },
    /// Nobody has this nickname, or nobody to whom the change could apply.
    #[error("Nobody here has this nickname.")]
    NoSuchPerson,
    /// What had to be typed as a confirmation was not.
    #[error("Type the name exactly as it is shown.")]
    NotConfirmed,
    /// Not the account's present password.
    #[error("This is not your present password.")]
    WrongPassword,
    /// The repetition differs.
    #[error("The two password fields didn't match.")]
    PasswordMismatch,
    /// A body that is no object; `given` is the type's name as the reference prints it.
    #[error("Invalid data. Expected a dictionary, but got {given}.")]
    NotAnObject {
        /// `list`, `str`, `int`, `float`, `bool` or `NoneType`.
        given: &'static str,
    },
    /// A file without bytes.
    #[error("The submitted file is empty.")]
    FileEmpty,
    /// A file's name is too long.
    #[error("Ensure this filename has at most {max} characters (it has {actual}).")]
    FileNameTooLong {
        /// How many are allowed.
        max: usize,
        /// How many there are.
        actual: usize,
    },
    /// More files than one message may have.
    #[error("A message can carry at most {max} files.")]
    TooManyFiles {
        /// How many are allowed.
        max: usize,
    },
    /// A file that was uploaded before, but is not there (any more), or belongs to somebody else, or
    /// hangs on another message.
    #[error("This file is not there any more. Upload it again.")]
    FileGone,
    /// A text part where a file is expected.
    #[error("The submitted data was not a file. Check the encoding type on the form.")]
    NotAFile,
    /// Password too short.
    #[error("This password is too short. It must contain at least {min} characters.")]
    PasswordTooShort {
        /// The least length.
        min: usize,
    },
    /// Password on the list of common ones.
    #[error("This password is too common.")]
    PasswordCommon,
    /// Password of digits only.
    #[error("This password is entirely numeric.")]
    PasswordNumeric,
    /// Password like something known of the account.
    #[error("The password is too similar to the {to}.")]
    PasswordSimilar {
        /// `username`, `nickname` or `email address`.
        to: &'static str,
    },
}

impl Problem {
    /// What a page's form says (contract 7): as REST does, but for the three that the pages of the
    /// reference word differently.
    #[must_use]
    pub fn form_text(&self) -> String {
        match self {
            // An empty field of a form is one that was not filled in.
            Self::Blank | Self::Null => Self::Required.to_string(),
            Self::TooLong { max, actual } => {
                format!("Ensure this value has at most {max} characters (it has {actual}).")
            }
            other => other.to_string(),
        }
    }
}
