// Documents that act on their own when opened. What is compressed inside a container (OOXML, PDF streams) is unpacked
// before; an OLE file keeps the identifiers of its macros in the clear beside the compressed source.

rule OLE_Macro_Starts_Itself {
    meta:
        family      = "Office.MacroDropper"
        description = "An OLE document with a VBA project and a macro that runs on opening or closing"
    strings:
        $start = /\b(Auto_?(Open|Exec|Close)|Document_?(Open|Close)|Workbook_?(Open|Activate|BeforeClose))\b/ nocase
    condition:
        kind == "ole" and $start
}

rule OLE_Has_VBA {
    meta:
        family      = "Office.MacroDropper"
        description = "The directory entry of a VBA project"
    strings:
        $project = "_VBA_PROJECT" wide
    condition:
        kind == "ole" and $project
}

rule OLE_Macro_Downloads {
    meta:
        family      = "Office.MacroDropper"
        description = "A macro that names a download interface"
    strings:
        $fetch = /(URLDownloadToFile[AW]?|MSXML2\.(Server)?XMLHTTP|Microsoft\.XMLHTTP|WinHttp\.WinHttpRequest|Net\.WebClient|InternetOpenUrl[AW]?)/ ascii wide nocase
    condition:
        kind == "ole" and $fetch
}

rule OLE_Macro_Executes {
    meta:
        family      = "Office.MacroDropper"
        description = "A macro that names an interface for starting programs"
    strings:
        $run = /(WScript\.Shell|Shell\.Application|ShellExecute[AW]?|WinExec|CreateProcess[AW]?|powershell|mshta)\b/ ascii wide nocase
    condition:
        kind == "ole" and $run
}

rule RTF_Equation_Updates {
    meta:
        family      = "Exploit.RTFEquation"
        description = "An RTF that forces an embedded Equation Editor object to load (the carrier of CVE-2017-11882)"
    strings:
        $update = /\\objupdate\b[\x00-\xff]{0,8000}\\objdata\b[^}]{0,400}4\s?5\s?7\s?1\s?7\s?5\s?6\s?1\s?7\s?4\s?6\s?9\s?6\s?f\s?6\s?e\s?2\s?e\s?3\s?3/ nocase
    condition:
        kind == "rtf" and $update
}

rule PDF_Launches_Shell {
    meta:
        family      = "PDF.LaunchShell"
        description = "A PDF launch action that starts a command interpreter"
    strings:
        $launch = /\/S\s{0,4}\/Launch\b[^\x00]{0,400}(cmd(\.exe)?|powershell|mshta|wscript|cscript|rundll32)\b/ nocase
    condition:
        kind == "pdf" and $launch
}

rule Shortcut_Names_Interpreter {
    meta:
        family      = "LNK.Downloader"
        description = "A Windows shortcut that names a script interpreter"
    strings:
        $interpreter = /(powershell|pwsh|mshta|wscript|cscript)\b/ ascii wide nocase
    condition:
        kind == "lnk" and $interpreter
}

rule Shortcut_Fetches {
    meta:
        family      = "LNK.Downloader"
        description = "A Windows shortcut whose arguments fetch or unpack a program"
    strings:
        $fetch   = /(DownloadString|DownloadFile|DownloadData|Invoke-WebRequest|FromBase64String|mshta(\.exe)?['"]? https?:)/ ascii wide nocase
        $encoded = /\s-e(nc|ncodedcommand)?\s{1,4}[A-Za-z0-9+\/=]{80}/ ascii wide nocase
    condition:
        kind == "lnk" and any of them
}
