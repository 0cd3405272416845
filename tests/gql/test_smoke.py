async def test_it(alice, vault):
    print(await alice.ask("{viewer{id email rootFolder{id name parent{id} ancestors{id} owner{email} capabilities{canEdit canDelete} children(first:2){edges{cursor node{id name}} pageInfo{hasNextPage endCursor}}} storage{quotaBytes leftBytes} createdAt}}"))
    root = (await alice.data("{viewer{rootFolder{id}}}"))["viewer"]["rootFolder"]["id"]
    for n in "abc":
        print(await alice.ask("mutation($i:FolderCreateInput!){folderCreate(input:$i){folder{id name parent{name} ancestors{name} revision} errors{__typename message path code}}}", i={"parentId":root,"name":n}))
    print(await alice.ask("mutation($i:FolderCreateInput!){folderCreate(input:$i){folder{id name parent{name} ancestors{name} revision} errors{__typename message path code}}}", i={"parentId":root,"name":"a"}))
    print(await alice.ask("mutation{uploadBegin(input:{name:\"x.txt\",sizeBytes:5}){upload{id url sizeBytes offsetBytes status expiresAt file{id} version{id}} errors{message code}}}"))
    print(await alice.ask("mutation{uploadBegin(input:{name:\"e.txt\",sizeBytes:0}){upload{id url sizeBytes offsetBytes status expiresAt file{id name sizeBytes scan{status} thumbnail{status url} storage{tier changedAt restore} versions(first:3){edges{node{id number createdBy{email} file{name}}}}} version{id number sha256}} errors{message code}}}"))
    r = await alice.ask("query($id:ID!){folder(id:$id){name children(first:3){edges{cursor node{__typename id name ... on File{versions(first:1){edges{node{number}}}}}} pageInfo{hasNextPage endCursor}}}}", id=root)
    print(r)
    print(await alice.ask("query($id:ID!){folder(id:$id){name children(first:300){edges{cursor}}}}", id=root))
    print(await alice.ask("query($id:ID!){folder(id:$id){name children(first:3, after:\"zz\"){edges{cursor}}} node(id:\"\"){id} x: nodes(ids:[\"a\",$id]){id}}", id=root))
    assert 0
