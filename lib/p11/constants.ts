/** The numbers of PKCS #11 v2.40 that this program uses, under the names the standard gives them. */

/**
 * "No information", all ones on the wire. Every CK_ULONG over 2^53 - 1 is read as this too: none of our handles, ids or
 * numbers is that large, so it equals none of them, and no flag is set in it.
 */
export const CK_UNAVAILABLE_INFORMATION = Number.POSITIVE_INFINITY;

// Return values.
export const CKR_OK = 0;
export const CKR_SLOT_ID_INVALID = 3;
export const CKR_GENERAL_ERROR = 5;
export const CKR_FUNCTION_FAILED = 6;
export const CKR_NO_EVENT = 8;
export const CKR_ATTRIBUTE_SENSITIVE = 0x11;
export const CKR_ATTRIBUTE_TYPE_INVALID = 0x12;
export const CKR_DATA_INVALID = 0x20;
export const CKR_DATA_LEN_RANGE = 0x21;
export const CKR_DEVICE_ERROR = 0x30;
export const CKR_DEVICE_MEMORY = 0x31;
export const CKR_DEVICE_REMOVED = 0x32;
export const CKR_FUNCTION_CANCELED = 0x50;
export const CKR_FUNCTION_NOT_SUPPORTED = 0x54;
export const CKR_KEY_HANDLE_INVALID = 0x60;
export const CKR_MECHANISM_INVALID = 0x70;
export const CKR_MECHANISM_PARAM_INVALID = 0x71;
export const CKR_OBJECT_HANDLE_INVALID = 0x82;
export const CKR_OPERATION_ACTIVE = 0x90;
export const CKR_OPERATION_NOT_INITIALIZED = 0x91;
export const CKR_PIN_INCORRECT = 0xa0;
export const CKR_PIN_INVALID = 0xa1;
export const CKR_PIN_LEN_RANGE = 0xa2;
export const CKR_PIN_LOCKED = 0xa4;
export const CKR_SESSION_CLOSED = 0xb0;
export const CKR_SESSION_COUNT = 0xb1;
export const CKR_SESSION_HANDLE_INVALID = 0xb3;
export const CKR_SESSION_PARALLEL_NOT_SUPPORTED = 0xb4;
export const CKR_TOKEN_NOT_PRESENT = 0xe0;
export const CKR_TOKEN_NOT_RECOGNIZED = 0xe1;
export const CKR_TOKEN_WRITE_PROTECTED = 0xe2;
export const CKR_USER_ALREADY_LOGGED_IN = 0x100;
export const CKR_USER_NOT_LOGGED_IN = 0x101;
export const CKR_USER_TYPE_INVALID = 0x103;
export const CKR_RANDOM_NO_RNG = 0x121;
export const CKR_BUFFER_TOO_SMALL = 0x150;
export const CKR_CRYPTOKI_NOT_INITIALIZED = 0x190;
export const CKR_CRYPTOKI_ALREADY_INITIALIZED = 0x191;
export const CKR_FUNCTION_REJECTED = 0x200;

// Flags of a slot.
export const CKF_TOKEN_PRESENT = 1;
export const CKF_REMOVABLE_DEVICE = 2;
export const CKF_HW_SLOT = 4;

// Flags of a token.
export const CKF_WRITE_PROTECTED = 2;
export const CKF_LOGIN_REQUIRED = 4;
export const CKF_USER_PIN_INITIALIZED = 8;
export const CKF_PROTECTED_AUTHENTICATION_PATH = 0x100;
export const CKF_TOKEN_INITIALIZED = 0x400;
export const CKF_USER_PIN_COUNT_LOW = 0x10000;
export const CKF_USER_PIN_FINAL_TRY = 0x20000;
export const CKF_USER_PIN_LOCKED = 0x40000;

// Flags of a session.
export const CKF_RW_SESSION = 2;
export const CKF_SERIAL_SESSION = 4;

// Flags of a mechanism.
export const CKF_HW = 1;
export const CKF_SIGN = 0x800;

// Flag of C_WaitForSlotEvent.
export const CKF_DONT_BLOCK = 1;

// Users.
export const CKU_SO = 0;
export const CKU_USER = 1;
export const CKU_CONTEXT_SPECIFIC = 2;

// States of a session.
export const CKS_RO_PUBLIC_SESSION = 0;
export const CKS_RO_USER_FUNCTIONS = 1;
export const CKS_RW_PUBLIC_SESSION = 2;
export const CKS_RW_USER_FUNCTIONS = 3;

// Classes of objects.
export const CKO_CERTIFICATE = 1;
export const CKO_PUBLIC_KEY = 2;
export const CKO_PRIVATE_KEY = 3;

// Types of keys and certificates.
export const CKK_RSA = 0;
export const CKC_X_509 = 0;

// Attributes.
export const CKA_CLASS = 0;
export const CKA_TOKEN = 1;
export const CKA_PRIVATE = 2;
export const CKA_LABEL = 3;
export const CKA_VALUE = 0x11;
export const CKA_CERTIFICATE_TYPE = 0x80;
export const CKA_ISSUER = 0x81;
export const CKA_SERIAL_NUMBER = 0x82;
export const CKA_TRUSTED = 0x86;
export const CKA_CERTIFICATE_CATEGORY = 0x87;
export const CKA_KEY_TYPE = 0x100;
export const CKA_SUBJECT = 0x101;
export const CKA_ID = 0x102;
export const CKA_SENSITIVE = 0x103;
export const CKA_ENCRYPT = 0x104;
export const CKA_DECRYPT = 0x105;
export const CKA_WRAP = 0x106;
export const CKA_UNWRAP = 0x107;
export const CKA_SIGN = 0x108;
export const CKA_SIGN_RECOVER = 0x109;
export const CKA_VERIFY = 0x10a;
export const CKA_VERIFY_RECOVER = 0x10b;
export const CKA_DERIVE = 0x10c;
export const CKA_START_DATE = 0x110;
export const CKA_MODULUS = 0x120;
export const CKA_MODULUS_BITS = 0x121;
export const CKA_PUBLIC_EXPONENT = 0x122;
export const CKA_PUBLIC_KEY_INFO = 0x129;
export const CKA_EXTRACTABLE = 0x162;
export const CKA_LOCAL = 0x163;
export const CKA_NEVER_EXTRACTABLE = 0x164;
export const CKA_ALWAYS_SENSITIVE = 0x165;
export const CKA_MODIFIABLE = 0x170;
export const CKA_ALWAYS_AUTHENTICATE = 0x202;
export const CKA_WRAP_WITH_TRUSTED = 0x210;
export const CKA_WRAP_TEMPLATE = 0x40000211;
export const CKA_UNWRAP_TEMPLATE = 0x40000212;
export const CKA_DERIVE_TEMPLATE = 0x40000213;
export const CKA_ALLOWED_MECHANISMS = 0x40000600;

// Mechanisms.
export const CKM_RSA_PKCS = 1;
export const CKM_RSA_X_509 = 3;
export const CKM_SHA1_RSA_PKCS = 6;
export const CKM_RSA_PKCS_PSS = 0xd;
export const CKM_SHA1_RSA_PKCS_PSS = 0xe;
export const CKM_SHA256_RSA_PKCS = 0x40;
export const CKM_SHA384_RSA_PKCS = 0x41;
export const CKM_SHA512_RSA_PKCS = 0x42;
export const CKM_SHA256_RSA_PKCS_PSS = 0x43;
export const CKM_SHA384_RSA_PKCS_PSS = 0x44;
export const CKM_SHA512_RSA_PKCS_PSS = 0x45;
export const CKM_SHA224_RSA_PKCS_PSS = 0x47;
export const CKM_SHA256 = 0x250;
export const CKM_SHA512 = 0x270;

// Mask generation functions.
export const CKG_MGF1_SHA1 = 1;
export const CKG_MGF1_SHA256 = 2;
