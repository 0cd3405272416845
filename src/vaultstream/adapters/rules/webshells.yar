// Server-side scripts whose only use is to run what a stranger sends. Each family convicts when all of its rules
// matched somewhere in the file: the language's tag alone, or a quoted idiom in an article alone, does not.

rule PHP_Opens {
    meta:
        family      = "PHP.Webshell"
        description = "A PHP open tag followed by white space, as the interpreter needs it"
    strings:
        $long  = /<\?php[\s\/]/ nocase
        $short = /<\?=?[ \t\r\n]?@?(eval|assert|system|passthru|shell_exec|exec|popen|proc_open)\s?\(/ nocase
    condition:
        any of them
}

rule PHP_Runs_Request {
    meta:
        family      = "PHP.Webshell"
        description = "A call that executes code or commands taken straight from the request, or from a long packed literal"
    strings:
        $direct = /\b(eval|assert|system|passthru|shell_exec|exec|popen|proc_open)\s{0,8}\(\s{0,8}@?((base64_decode|gzinflate|gzuncompress|str_rot13|strrev|stripslashes|urldecode)\s{0,8}\(\s{0,8}@?){0,4}\$(_(GET|POST|REQUEST|COOKIE)|\{['"]_(GET|POST|REQUEST|COOKIE)['"]\}|_SERVER\s{0,4}\[\s{0,4}['"]HTTP_)/ nocase
        $packed = /\b(eval|assert)\s{0,8}\(\s{0,8}@?((base64_decode|gzinflate|gzuncompress|str_rot13|strrev)\s{0,8}\(\s{0,8}){2,5}['"][A-Za-z0-9+\/=]{200}/ nocase
        $chosen = /\$_(GET|POST|REQUEST|COOKIE)\s{0,4}\[[^\]]{1,40}\]\s{0,4}\(\s{0,4}\$_(GET|POST|REQUEST|COOKIE)\s{0,4}\[/ nocase
    condition:
        any of them
}

rule JSP_Opens {
    meta:
        family      = "JSP.Webshell"
        description = "A JSP scriptlet, declaration or directive"
    strings:
        $tag = /<%[@!=\s]/
    condition:
        $tag
}

rule JSP_Runs_Request {
    meta:
        family      = "JSP.Webshell"
        description = "A process started from a request parameter"
    strings:
        $runtime = /getRuntime\s{0,4}\(\s{0,4}\)\s{0,4}\.\s{0,4}exec\s{0,4}\([^;]{0,120}request\s{0,4}\.\s{0,4}getParameter\s{0,4}\(/
        $builder = /new\s{1,8}ProcessBuilder\s{0,4}\([^;]{0,120}request\s{0,4}\.\s{0,4}getParameter\s{0,4}\(/
    condition:
        any of them
}

rule ASP_Runs_Request {
    meta:
        family      = "ASP.Webshell"
        description = "Classic ASP or ASP.NET that evaluates a request value inside its own tag"
    strings:
        $classic = /<%[^%]{0,200}\b(eval|execute|executeglobal)\s{0,4}\(?\s{0,4}request\s{0,4}(\.(form|item|querystring))?\s{0,4}[\(\[]/ nocase
        $script  = /<script[^>]{0,200}runat\s?=[^>]{0,60}>[^<]{0,400}\beval\s{0,4}\(\s{0,4}Request\b[^<]{0,120}unsafe/ nocase
    condition:
        any of them
}
