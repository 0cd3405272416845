// Files that a viewer shows as a picture and a server or browser would run as a program. `kind` and `offset` are
// given by the scanner: what the first bytes of the whole file are, and where this window starts in it.

rule Image_Carries_PHP {
    meta:
        family      = "Polyglot.ImagePHP"
        description = "A picture with a PHP block that calls something dangerous"
    strings:
        $block = /<\?php\s[^\x00]{0,2000}\b(eval|assert|system|passthru|shell_exec|exec|popen|proc_open|include|require|file_put_contents)\b[^\x00]{0,40}[\(\$]/ nocase
        $short = /<\?=\s{0,4}(`|@?(eval|assert|system|passthru|shell_exec|exec)\s{0,4}\()/ nocase
    condition:
        kind == "image" and any of them
}

rule Image_Carries_Server_Page {
    meta:
        family      = "Polyglot.ImageServerPage"
        description = "A picture with an ASP.NET or JSP page directive"
    strings:
        $page = /<%@\s{0,8}page\s[^>]{0,200}(language|import|contentType)\s{0,4}=/ nocase
    condition:
        kind == "image" and $page
}

rule Image_Is_Script {
    meta:
        family      = "Polyglot.GifScript"
        description = "A GIF header that is also the opening of a JavaScript comment or assignment, with a call after it"
    strings:
        $comment = /GIF8[79]a\/\*[\x00-\xff]{0,3000}\*\/\s{0,8}=[^=;]{1,60};[^\x00]{0,200}[A-Za-z_.]{2,40}\(/
        $assign  = /GIF8[79]a\s{0,4}=\s{0,4}[0-9'"`\[][^;\x00]{0,60};[^\x00]{0,200}[A-Za-z_.]{2,40}\(/
    condition:
        kind == "image" and offset == 0 and ($comment at 0 or $assign at 0)
}
