// Files whose content is locked away. A family whose name begins with "Encrypted." makes a file unscannable, not infected.

rule PDF_Encrypted {
    meta:
        family      = "Encrypted.PDF"
        description = "A PDF whose trailer names an encryption dictionary (ISO 32000-1, 7.6.1)"
    strings:
        $trailer = /\/Encrypt\s{1,8}(\d{1,10}\s{1,8}\d{1,5}\s{1,8}R\b|<<)/
    condition:
        kind == "pdf" and $trailer
}

rule Office_Encrypted {
    meta:
        family      = "Encrypted.Office"
        description = "An OLE file whose one stream is an encrypted package (MS-OFFCRYPTO, 2.3.4.4)"
    strings:
        $package = "EncryptedPackage" wide
    condition:
        kind == "ole" and $package
}
